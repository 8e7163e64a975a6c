import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { defineAction } from '../kit/grammar/action.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

export interface HookCall {
  /** Comes back with the answer. */
  readonly key: string
  readonly url: string
  /** Sent as "Authorization: Bearer" where there is one. */
  readonly token: string
  /** As JSON; its `id` is the same in a second attempt, so that whoever is called can tell. */
  readonly body: Readonly<Record<string, unknown>> & { readonly id: string }
  readonly timeoutMs: number
}

/** What came of a call: an empty fault is a success. */
export const hookCalled = defineSignal('signalbox.hook.called', {
  data: trusted<{ readonly key: string; readonly fault: string }>(),
})

/** Tells a program of the operator's what is wanted of it, by POST: any answer from 200 to 299 is a yes. Never fails; what is wrong is its result. */
export const callHook = defineAction({
  name: 'call-hook',
  done: hookCalled,
  // It keeps its own time.
  timeoutMs: 0,
  run: (call: HookCall, { signal }) =>
    new Promise<{ key: string; fault: string }>(resolve => {
      const end = (fault: string): void => resolve({ key: call.key, fault })
      const text = JSON.stringify(call.body)
      const send = call.url.startsWith('https:') ? requestHttps : requestHttp
      try {
        const sent = send(call.url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            ...(call.token === '' ? {} : { authorization: `Bearer ${call.token}` }),
          },
          // From the call to the end of the answer's header: a socket's own timeout knows of silence alone.
          signal: AbortSignal.any([signal, AbortSignal.timeout(call.timeoutMs)]),
        })
        sent.on('response', response => {
          const status = response.statusCode ?? 0
          response.destroy()
          end(status >= 200 && status < 300 ? '' : `it answered ${status}`)
        })
        sent.on('error', error =>
          end(error.name === 'TimeoutError' ? `no answer within ${call.timeoutMs} ms` : error.message),
        )
        sent.end(text)
      } catch (error) {
        end((error as Error).message)
      }
    }),
})
