import { reportPickable } from '../router/report.ts'
import type { Sources } from './snapshot.ts'

export interface Readiness {
  isReady: boolean
  /** Why it is not ready; or, where it is, which services have nothing to pick all the same. */
  reasons: string[]
}

/**
 * Ready while the engine routes and at least one service has an endpoint that a pick would give. One empty service
 * among others does not take the node out: its requests would find nothing elsewhere either, and the others would
 * lose this node for it. Anybody may ask this as often as they like, so it looks no further than it must.
 */
export function readReadiness({ box, isReady }: Sources): Readiness {
  if (box.isClosed) return { isReady: false, reasons: ['the box was closed'] }
  const isRouting = isReady()
  const services = reportPickable(box.attachment)
  const empty = services.filter(({ isPickable }) => !isPickable)
  const reasons = empty.map(({ service }) => `service ${service} has no endpoint that can be picked`)
  if (!isRouting) reasons.unshift('the engine does not take requests now')
  return { isReady: isRouting && empty.length < services.length, reasons }
}
