import { drain } from '../../../agents/failure-detector/actions.ts'
import { failureDetector } from '../../../agents/failure-detector/agent.ts'
import { listenForSilence } from '../../../agents/failure-detector/listen-for-silence.ts'
import type { Drained } from '../../../agents/failure-detector/signals.ts'
import type { SilenceWatch, Silent } from '../../../agents/failure-detector/silence.ts'
import type { Edge } from '../../../agents/kit/grammar/action.ts'
import type { Ejected } from '../../../agents/signals.ts'
import { ABANDONED, EJECTED, ERROR, elapsedMs, GATEWAY, OK, TIMEOUT, UNREACHABLE } from '../../../engine/writer.ts'
import { Stage } from '../stage.ts'

export const OUTLIER = {
  consecutive5xx: 5,
  // What fails within a second is judged in burst.test.ts.
  burst: 0,
  interval: '10s',
  baseEjection: '30s',
  maxEjection: '300s',
  maxEjected: '10%',
}

const CODES: Record<string, number> = { o: OK, e: ERROR, t: TIMEOUT, a: ABANDONED, g: GATEWAY, u: UNREACHABLE }

/**
 * The failure detector on a stage, with `settle(id, outcomes)`: o(k), e(rror), g(ateway), u(nreachable), t(imeout),
 * a(bandoned) requests that the next drain finds. Each that was ok or timed out took `latencyUs`.
 */
export function stage(ids: string[], service: object = { outlier: OUTLIER }) {
  let rows: Drained[] = []
  const drains: number[] = []
  const fake = {
    ...drain,
    run: (_: undefined, edge: Edge) =>
      new Promise<{ rows: Drained[] }>(resolve => {
        const look = (): void => {
          if (rows.length === 0) return void edge.later(20, look)
          drains.push(elapsedMs(edge.now(), world.bootMs))
          resolve({ rows })
          rows = []
        }
        look()
      }),
  }
  let silent: Silent[] = []
  const fakeSilence = {
    ...listenForSilence,
    run: (_: SilenceWatch, edge: Edge) =>
      new Promise<{ rows: Silent[] }>(resolve => {
        const look = (): void => {
          if (silent.length === 0) return void edge.later(20, look)
          resolve({ rows: silent })
          silent = []
        }
        look()
      }),
  }
  const world = new Stage(failureDetector, service, ids, [fake, fakeSilence])
  /** It is heard that this endpoint does not answer. */
  const fallSilent = (id: string): void => {
    const { row, generation } = world.row(id)
    silent.push({ row, generation, silentMs: 120, limitMs: 100 })
  }
  const settle = (id: string, outcomes: string, latencyUs = 1000): void => {
    const { row, generation } = world.row(id)
    const count = (letters: string): number => [...outcomes].filter(letter => letters.includes(letter)).length
    const ok = count('o')
    rows.push({
      row,
      generation,
      service: 0,
      ok,
      error: count('egu'),
      timeout: count('t'),
      abandoned: count('a'),
      latencyUsSum: ok * latencyUs,
      latencyUsMax: ok > 0 ? latencyUs : 0,
      codes: [...outcomes].filter(letter => letter !== 'a').map(letter => CODES[letter]!),
      latenciesUs: Array.from({ length: ok + count('t') }, () => latencyUs),
    })
  }
  return { world: world.start(), settle, fallSilent, drains }
}

export const isEjected = (world: Stage, id: string): boolean => (world.row(id).bars & EJECTED) !== 0

/** What was said of ejections: endpoint, cause, and what was found against which limit. */
export function ejections(world: Stage): string[] {
  return world.sent
    .filter(({ type }) => type === 'signalbox.endpoint.ejected')
    .map(({ data }) => data as Ejected)
    .map(({ id, because, found, limit }) => `${id} ${because} ${found}/${limit}`)
}
