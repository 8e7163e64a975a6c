import { watch } from 'node:fs'
import type { Edge } from '../../kit/grammar/action.ts'

/** So long nothing must have happened in a folder before it is read: what is written in pieces is read whole. */
const SETTLE_MS = 100

/**
 * Resolves when something has changed in a folder that is meant, and it has been quiet for 100 ms; after `patienceMs` in any case, for
 * not every file system tells. Where the folder cannot be watched, that is all there is.
 *
 * The watch has begun when this returns: what is read after that and what changes later have no gap between them.
 */
export function untilChanged(
  { folder, isMeant }: { readonly folder: string; isMeant(name: string): boolean },
  patienceMs: number,
  { later, signal }: Pick<Edge, 'later' | 'signal'>,
): { readonly changed: Promise<void>; close(): void } {
  let close = (): void => {}
  const changed = new Promise<void>(resolve => {
    let callOffSettled = (): void => {}
    const watcher = (() => {
      try {
        return watch(folder, { persistent: false }, (_, name) => {
          if (name !== null && !isMeant(name)) return
          callOffSettled()
          callOffSettled = later(SETTLE_MS, close)
        })
      } catch {
        return undefined
      }
    })()
    const callOff = later(patienceMs, () => close())
    close = () => {
      callOff()
      callOffSettled()
      watcher?.close()
      signal.removeEventListener('abort', close)
      resolve()
    }
    watcher?.on('error', () => watcher.close())
    signal.addEventListener('abort', close, { once: true })
  })
  return { changed, close: () => close() }
}
