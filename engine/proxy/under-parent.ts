/** The engine's side of the parent process, see parent.ts. */

/** Where the engine finds its listeners: JSON of InheritedListener[]. */
export const LISTENERS_VARIABLE = 'SIGNALBOX_LISTENERS'

/** What the engine sends its parent once it routes. */
export const READY = { signalbox: 'ready' }

/** An address that a parent process bound, with duplicates of its descriptor: one for each thread that will ever start. */
export interface InheritedListener {
  address: string
  port: number
  fds: number[]
}

/** The listeners a parent left this process; undefined when there is no parent. */
export function inheritedListeners(): InheritedListener[] | undefined {
  const text = process.env[LISTENERS_VARIABLE]
  return text === undefined || process.send === undefined ? undefined : (JSON.parse(text) as InheritedListener[])
}

/** Tells the parent that the engine routes: from now on its death is a death, before it was a start that failed. */
export function tellParentReady(): void {
  process.send?.(READY)
}

/** Calls back once when the parent has gone. Does not keep the process alive. */
export function onParentGone(then: () => void): void {
  if (process.send === undefined) return
  if (!process.connected) {
    then()
    return
  }
  process.once('disconnect', then)
  process.channel?.unref()
}
