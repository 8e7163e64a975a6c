import type { Config } from '../../config/schema.ts'

/** The engine's side of the parent process, see parent.ts. */

/** Where the engine finds its listeners: JSON of InheritedListener[]. */
export const LISTENERS_VARIABLE = 'SIGNALBOX_LISTENERS'

/** What the engine sends its parent once it routes. */
export const READY = { signalbox: 'ready' } as const

/** What passes between the engine and its parent besides: the config in force, which outlives an engine that dies. */
export type FromEngine = typeof READY | { signalbox: 'ask-config' } | { signalbox: 'config'; config: Config }
export type FromParent = { signalbox: 'config'; config: Config | null }

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

/**
 * The config that was in force when the engine before this one died; undefined for the first one. The file may say something
 * else by now, that nobody has accepted yet.
 */
export function askParentForConfig(): Promise<Config | undefined> {
  if (process.send === undefined) return Promise.resolve(undefined)
  return new Promise(resolve => {
    const end = (config: Config | null): void => {
      process.off('message', onMessage)
      process.off('disconnect', onGone)
      resolve(config ?? undefined)
    }
    const onGone = (): void => end(null)
    const onMessage = (message: FromParent): void => {
      if (message?.signalbox === 'config') end(message.config)
    }
    process.on('message', onMessage)
    process.once('disconnect', onGone)
    process.send?.({ signalbox: 'ask-config' } satisfies FromEngine)
  })
}

/** Tells the parent which config is in force from now on. */
export function tellParentConfig(config: Config): void {
  process.send?.({ signalbox: 'config', config } satisfies FromEngine)
}
