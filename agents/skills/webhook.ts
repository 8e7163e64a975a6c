import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { defineAction } from '../kit/grammar/action.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { reasonOf } from './fault-reason.ts'

/** Where something is told, as the config says. */
export interface Hook {
  readonly url: string
  /** Of the secret it is signed with; left out: it is not signed. */
  readonly secretFile?: string | undefined
}

export interface CallParams {
  readonly hook: Hook
  /** What is told, as JSON. */
  readonly body: Readonly<Record<string, unknown>>
  /** Comes back with the answer: what it was for. */
  readonly about: string
}

export interface Called {
  readonly about: string
  /** It was answered with 2xx. */
  readonly isTaken: boolean
  /** For people: `200`, `ECONNREFUSED`, `no answer within 5000 ms`. */
  readonly reason: string
}

export const hookCalled = defineSignal('signalbox.hook.called', { data: trusted<Called>() })

/** From the call to the answer's header. */
const CALL_MS = 5_000

/**
 * Tells somebody outside by POST. With a secret the header `x-signalbox-signature` is `sha256=` and the HMAC of the body in hex, by which
 * who is told knows that it comes from here. A refusal, or silence, is an answer like any other.
 */
export const callHook = defineAction({
  name: 'call-hook',
  done: hookCalled,
  // It keeps its own time, and the answer says so.
  timeoutMs: 0,
  async run({ hook, body, about }: CallParams, edge): Promise<Called> {
    const text = JSON.stringify(body)
    let signature: Record<string, string>
    try {
      signature = hook.secretFile === undefined ? {} : { 'x-signalbox-signature': await sign(text, hook.secretFile) }
    } catch (error) {
      return { about, isTaken: false, reason: `its secret cannot be read: ${reasonOf(error)}` }
    }
    return new Promise(resolve => {
      const end = (isTaken: boolean, reason: string): void => {
        callOff()
        resolve({ about, isTaken, reason })
      }
      const request = hook.url.startsWith('https:') ? requestTls : requestPlain
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...signature }
      const call = request(hook.url, { method: 'POST', headers, agent: false, signal: edge.signal }, answer => {
        const { statusCode = 0 } = answer
        // What it says beside its status is nothing to us.
        answer.on('error', () => {})
        answer.destroy()
        end(statusCode >= 200 && statusCode < 300, String(statusCode))
      })
      const callOff = edge.later(CALL_MS, () => call.destroy(new Error(`no answer within ${CALL_MS} ms`)))
      call.on('error', error => end(false, reasonOf(error)))
      call.end(text)
    })
  },
})

async function sign(text: string, secretFile: string): Promise<string> {
  const secret = (await readFile(secretFile, 'utf8')).trim()
  if (secret === '') throw new Error('it is empty')
  return `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
}
