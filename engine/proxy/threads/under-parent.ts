import type { Config } from '../../config/schema.ts'

/** The engine's side of the parent process, see parent.ts. */

/** Where the engine finds its listeners: JSON of InheritedListener[]. */
export const LISTENERS_VARIABLE = 'SIGNALBOX_LISTENERS'

/** What the engine sends its parent once it routes. */
export const READY = { signalbox: 'ready' } as const

/** What passes between the engine and its parent besides: the config in force, which outlives an engine that dies. */
export type FromEngine = typeof READY | { signalbox: 'ask-config' } | { signalbox: 'config'; config: Config }
export type FromParent = { signalbox: 'config'; config: Config | null; failedStarts: number }

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

/** What an engine learns of those before it. */
export interface Ancestry {
  /**
   * The config that was in force when the engine before this one died; undefined for the first one. The file may say something else by
   * now, that nobody has accepted yet.
   */
  config: Config | undefined
  /** Engines in a row that died before they routed. */
  failedStarts: number
}

/**
 * Waits until it is this engine's turn, and gives back what the parent knows of those before it; undefined: the parent is gone, and
 * nobody is to begin.
 */
export function askParent(): Promise<Ancestry | undefined> {
  return new Promise(resolve => {
    const end = (ancestry: Ancestry | undefined): void => {
      process.off('message', onMessage)
      process.off('disconnect', onGone)
      resolve(ancestry)
    }
    const onGone = (): void => end(undefined)
    const onMessage = (message: FromParent): void => {
      if (message?.signalbox === 'config')
        end({ config: message.config ?? undefined, failedStarts: message.failedStarts })
    }
    if (process.connected !== true) return onGone()
    process.on('message', onMessage)
    process.once('disconnect', onGone)
    process.send?.({ signalbox: 'ask-config' } satisfies FromEngine)
  })
}

/** Tells the parent which config is in force from now on. */
export function tellParentConfig(config: Config): void {
  process.send?.({ signalbox: 'config', config } satisfies FromEngine)
}
