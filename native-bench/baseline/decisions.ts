import { type Contest, type Contestant, nsEach } from '../contest.ts'
import { BATCH } from '../harness.ts'
import { type LoneService, loneService } from '../policies/lone-service.ts'
import { pickAndSettle } from '../policies/pick-and-settle.ts'
import type { Group } from '../suite.ts'
import { NATIVE_POLICIES, NativePicks, type NativePolicy } from './native-picks.ts'

const ENDPOINTS = [4, 16, 64, 1024]

/** Each policy that is there in C++ too, on the same memory and with the same dice. */
export const nativeDecisions: Group = {
  name: 'native',
  summary: 'a decision here, and the same algorithm in C++ on the same memory',
  contests: NATIVE_POLICIES.flatMap(policy => ENDPOINTS.map(endpoints => decision(policy, endpoints))),
}

function decision(policy: NativePolicy, endpoints: number): Contest {
  let service: LoneService
  return {
    name: `native/${policy}/${endpoints}`,
    figures: [{ name: 'pick + settle', unit: 'ns' }],
    rounds: 200,
    warmUp: 30,
    sides: [
      {
        name: 'C++ -O2',
        async begin() {
          service = await loneService(policy, {}, endpoints)
          const native = await NativePicks.begin(policy, service.attachment)
          if (native === undefined) await service.close()
          return native === undefined ? undefined : inNative(native)
        },
      },
      {
        name: 'signalbox',
        begin: async () => here(service),
      },
    ],
  }
}

function inNative(native: NativePicks): Contestant {
  return { turn: async () => [(await native.time(BATCH)) / BATCH], close: () => native.close() }
}

function here(service: LoneService): Contestant {
  const batch = pickAndSettle(service)
  return {
    turn: () => [nsEach(BATCH, batch)],
    close: () => service.close(),
  }
}
