import type { Group } from '../suite.ts'
import { closedLoop, LARGE, POST, SMALL, systemCalls } from './closed-loop.ts'
import { openLoop } from './open-loop.ts'

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
  contests: [
    closedLoop('small', SMALL, 64),
    closedLoop('small', SMALL, 256),
    closedLoop('16KiB', LARGE, 64),
    closedLoop('16KiB', LARGE, 256),
    closedLoop('tls', SMALL, 64, true),
    closedLoop('post', POST, 64),
    systemCalls(64),
    openLoop(2000),
    openLoop(5000),
  ],
}
