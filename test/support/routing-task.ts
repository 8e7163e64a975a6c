import { attachRouter } from '../../engine/index.ts'

/** A Piscina task: routes so many requests from wherever Piscina runs it, and tells where they went. */
export default function routingTask({ handle, times }: { handle?: unknown; times: number }): string[] {
  const router = handle === undefined ? attachRouter('api') : attachRouter(handle, 'api')
  return Array.from({ length: times }, () => {
    const ticket = router.pick()
    const { id } = router.endpoint(ticket)
    router.settle(ticket, 'ok', 1)
    return id
  })
}
