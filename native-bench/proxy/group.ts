import type { Group } from '../suite.ts'
import { closedLoop, LARGE, POST, SMALL, systemCalls } from './closed-loop.ts'
import { openLoop } from './open-loop.ts'
import { picturesOf } from './plots.ts'

const CLOSED = [
  closedLoop('small', SMALL, 64),
  closedLoop('small', SMALL, 256),
  closedLoop('16KiB', LARGE, 64),
  closedLoop('16KiB', LARGE, 256),
  closedLoop('tls', SMALL, 64, true),
  closedLoop('post', POST, 64),
]
const CALLS = [systemCalls(64)]
const OPEN = [openLoop(2000), openLoop(5000)]

/**
 * Reverse proxies side by side, each on one core, before the same origin.
 *
 *     wrk, or an open loop ──▶ proxy ──▶ origin in C++
 *           core 1             core 0       core 1
 */
export const proxies: Group = {
  name: 'proxy',
  summary: 'a request through a reverse proxy on one core, here and elsewhere',
  isLong: true,
  contests: [...CLOSED, ...CALLS, ...OPEN],
  plots: (measured, machine) => ({
    ...picturesOf(
      [
        {
          ...{ file: 'proxy-requests.svg', title: 'Requests through a proxy on one core' },
          ...{ figure: 'requests', unit: '/s', divisor: 1 },
        },
        {
          ...{ file: 'proxy-cpu.svg', title: 'CPU time a request takes of the proxy' },
          ...{ figure: 'CPU a request', unit: 'µs', divisor: 1000 },
        },
        {
          ...{ file: 'proxy-memory.svg', title: 'Memory of the proxy, under load' },
          ...{ figure: 'memory', unit: 'MiB', divisor: 1 << 20 },
        },
      ],
      CLOSED,
      measured,
      machine,
    ),
    ...picturesOf(
      [
        {
          ...{ file: 'proxy-system-calls.svg', title: 'System calls of the proxy' },
          ...{ figure: 'system calls a request', unit: '', divisor: 1 },
        },
      ],
      CALLS,
      measured,
      machine,
    ),
    ...picturesOf(
      [
        {
          ...{ file: 'proxy-open-loop.svg', title: 'What one request of a hundred takes at least, at a given rate' },
          ...{ figure: 'p99', unit: 'ms', divisor: 1e6 },
        },
      ],
      OPEN,
      measured,
      machine,
    ),
  }),
}
