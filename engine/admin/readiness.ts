import { HARD_BARS } from '../memory/bars.ts'
import type { Sources } from './snapshot.ts'

export interface Readiness {
  isReady: boolean
  /** Why it is not ready; or, where it is, which services have nothing to pick all the same. */
  reasons: string[]
}

/**
 * Ready while the engine routes and at least one service has an endpoint that a pick would give. One empty service
 * among others does not take the node out: its requests would find nothing elsewhere either, and the others would
 * lose this node for it.
 */
export function readReadiness({ box, isReady }: Sources): Readiness {
  if (box.isClosed) return { isReady: false, reasons: ['the box was closed'] }
  const isRouting = isReady()
  const { attachment } = box
  const { endpoints, services } = attachment
  const texts = attachment.serviceTexts()
  const empty: string[] = []
  texts.forEach(({ text, rows }, index) => {
    // As pick does: where opinions bar everybody, decisions alone count, unless panic is switched off.
    const mask = text.panicThreshold > 0 ? HARD_BARS : services.barMask(index)
    if (!rows.some(row => (endpoints.bars(row) & mask) === 0 && endpoints.pull(row) > 0)) empty.push(text.name)
  })
  const reasons = empty.map(name => `service ${name} has no endpoint that can be picked`)
  if (!isRouting) reasons.unshift('the engine does not take requests now')
  return { isReady: isRouting && empty.length < texts.length, reasons }
}
