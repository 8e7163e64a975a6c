import type { MessagePort } from 'node:worker_threads'
import type { Answer, Change, Entry, Listing, StoreStatus } from './store.ts'

/**
 * What passes between a store and the sequencer behind it, over one MessagePort: bundles of these, one for each turn.
 *
 *   store ── Asked ──▶ sequencer ── Told ──▶ store      an answer for each call, in the order they came
 *                                └─ Noted ─▶            changes for each watch, behind the answers that made them
 */
export type Asked =
  | {
      readonly call: 'create'
      readonly id: number
      readonly key: string
      readonly value: string
      readonly lease?: string
    }
  | {
      readonly call: 'cas'
      readonly id: number
      readonly key: string
      readonly value?: string
      readonly revision: number
      readonly lease?: string
    }
  | { readonly call: 'get'; readonly id: number; readonly key: string }
  | { readonly call: 'list'; readonly id: number; readonly prefix: string }
  | { readonly call: 'watch'; readonly id: number; readonly prefix: string; readonly revision: number }
  | { readonly call: 'unwatch'; readonly id: number }
  | { readonly call: 'grant'; readonly id: number; readonly ttlMs: number }
  | { readonly call: 'keep'; readonly id: number; readonly lease: string }
  | { readonly call: 'end'; readonly id: number; readonly lease: string }
  | { readonly call: 'status'; readonly id: number }

/** What each call is answered with. */
export interface AnswerOf {
  readonly create: Answer
  readonly cas: Answer
  readonly get: Entry | undefined
  readonly list: Listing
  readonly watch: boolean
  readonly unwatch: undefined
  readonly grant: string
  readonly keep: boolean
  readonly end: undefined
  readonly status: StoreStatus
}

export type Told = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly fault: string }

/** Changes for the watch that was asked for under this id; none where some were missed, and no more will come. */
export interface Noted {
  readonly watch: number
  readonly changes: Change[] | undefined
}

/** Who asks, as the other side of the way sees it. */
export interface Asking {
  tell(message: Told | Noted): void
  /** The sequencer has gone. */
  onGone(): void
}

/** A way to a sequencer. */
export interface Way {
  ask(asked: Asked): void
  close(): void
}

/** Leads whoever asks to a sequencer. */
export type Road = (asking: Asking) => Way

/** A way to the sequencer of another thread. It does not keep the process alive. */
export function roadOf(port: MessagePort): Road {
  return asking => {
    port.on('message', (messages: (Told | Noted)[]) => {
      for (const message of messages) asking.tell(message)
    })
    port.on('close', () => asking.onGone())
    port.unref()
    const { post, flush } = bundler<Asked>(port)
    const close = (): void => {
      flush()
      port.close()
    }
    return { ask: post, close }
  }
}

/** Posts all messages of one turn as one: most of what a message costs is that it is one. */
export function bundler<Message>(port: MessagePort): { post(message: Message): void; flush(): void } {
  let bundle: Message[] = []
  const flush = (): void => {
    if (bundle.length > 0) port.postMessage(bundle)
    bundle = []
  }
  const post = (message: Message): void => {
    if (bundle.push(message) === 1) queueMicrotask(flush)
  }
  return { post, flush }
}
