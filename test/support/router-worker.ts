/**
 * A thread that routes: attaches to 'api' by its workerData, or by the environment data when it has none, and answers
 * one message with one. `how` of the order says what it is to do.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { attachRouter } from '../../engine/index.ts'

export type Order =
  | { how: 'pick'; times: number; isHeld: boolean }
  | { how: 'settle' }
  | { how: 'throw' }
  | { how: 'exit' }
  | { how: 'return' }

if (!isMainThread && parentPort !== null) {
  const port = parentPort
  const router = workerData === null || workerData === undefined ? attachRouter('api') : attachRouter(workerData, 'api')
  const held: number[] = []
  port.on('message', (order: Order) => {
    if (order.how === 'pick') {
      const ids: (string | null)[] = []
      for (let i = 0; i < order.times; i++) {
        const ticket = router.pick()
        ids.push(ticket < 0 ? null : router.endpoint(ticket).id)
        if (ticket < 0) continue
        if (order.isHeld) held.push(ticket)
        else router.settle(ticket, 'ok', 1)
      }
      port.postMessage(ids)
    } else if (order.how === 'settle') {
      for (const ticket of held.splice(0)) router.settle(ticket, 'ok', 1)
      port.postMessage([])
    } else if (order.how === 'throw') {
      throw new Error('as ordered')
    } else if (order.how === 'exit') {
      process.exit(0)
    } else {
      port.close()
    }
  })
  port.postMessage('attached')
}
