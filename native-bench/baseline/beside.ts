import { BATCH } from '../harness.ts'
import { loneService, pickAndSettle } from '../policies/lone-service.ts'
import { NATIVE_POLICIES, NativePicks } from './native-picks.ts'

/** What a decision costs here and in C++, side by side: ns of a pick with its settle. */
export interface Beside {
  readonly name: string
  readonly hereNs: number
  readonly nativeNs: number
  /** Of the medians: how many times as long it takes here. */
  readonly ratio: number
  /** From a tenth to nine tenths of the pairs. */
  readonly ratioLow: number
  readonly ratioHigh: number
  readonly pairs: number
}

const ENDPOINTS = [4, 16, 64, 1024]
const PAIRS = 200
const WARM_UP = 30

/** The names of all rows there are. */
export const BESIDE_NAMES = NATIVE_POLICIES.flatMap(policy =>
  ENDPOINTS.map(endpoints => `native/${policy}/${endpoints}`),
)

/**
 * Each policy that is there in C++ too, on the same memory and with the same dice: a batch here, a batch there, in turns, so that what the
 * machine does besides befalls both. Nothing where there is no compiler.
 */
export async function besideNative(
  isChosen: (row: { readonly name: string }) => boolean,
  onProgress: (done: number, of: number) => void,
): Promise<Beside[]> {
  const rows: Beside[] = []
  const chosen = BESIDE_NAMES.filter(name => isChosen({ name }))
  for (const name of chosen) {
    const [, policy, endpoints] = name.split('/') as [string, (typeof NATIVE_POLICIES)[number], string]
    const service = await loneService(policy, {}, Number(endpoints))
    const native = await NativePicks.begin(policy, service.attachment)
    try {
      if (native === undefined) return []
      rows.push(await pair(name, pickAndSettle(service), native))
      onProgress(rows.length, chosen.length)
    } finally {
      await native?.close()
      await service.close()
    }
  }
  return rows
}

async function pair(name: string, batch: (times: number) => void, native: NativePicks): Promise<Beside> {
  const here: number[] = []
  const there: number[] = []
  for (let i = -WARM_UP; i < PAIRS; i++) {
    const since = performance.now()
    batch(BATCH)
    const hereNs = ((performance.now() - since) * 1e6) / BATCH
    const nativeNs = (await native.time(BATCH)) / BATCH
    if (i < 0) continue
    here.push(hereNs)
    there.push(nativeNs)
  }
  const ratios = here.map((ns, i) => ns / there[i]!)
  const [hereNs, nativeNs] = [at(here, 0.5), at(there, 0.5)]
  return {
    ...{ name, hereNs, nativeNs, ratio: hereNs / nativeNs },
    ...{ ratioLow: at(ratios, 0.1), ratioHigh: at(ratios, 0.9), pairs: PAIRS },
  }
}

function at(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!
}
