import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { type Admin, type AdminOptions, startAdmin } from '../../engine/admin/admin.ts'
import { type Box, createSignalbox, type SignalboxOptions } from '../../engine/box/box.ts'
import type { ConfigInput } from '../../engine/config/schema.ts'

export const TWO_SERVICES: ConfigInput = {
  services: {
    api: {
      policy: 'round-robin',
      endpoints: [
        { id: 'a', url: 'http://127.0.0.1:9001', weight: 1, zone: 'z1' },
        { id: 'b', url: 'http://127.0.0.1:9002', weight: 2, zone: 'z2' },
      ],
    },
    web: { endpoints: [{ url: 'http://127.0.0.1:9003' }] },
  },
}

export interface AdminWorld {
  box: Box
  admin: Admin
  ask(path: string, options?: AskOptions): Promise<Answer>
}

/** A box and its admin listener on a free loopback port, both closed when the test ends. */
export async function adminWorld(
  t: TestContext,
  options: Partial<AdminOptions> = {},
  config: ConfigInput = TWO_SERVICES,
  boxOptions: SignalboxOptions = {},
): Promise<AdminWorld> {
  const box = await createSignalbox(config, boxOptions)
  t.after(() => box.close())
  const admin = await startAdmin(box, {
    listen: { address: '127.0.0.1', port: 0 },
    isReady: () => true,
    version: '1.2.3',
    ...options,
  })
  t.after(() => admin.close())
  return { box, admin, ask: (path, askOptions) => ask(admin.port, path, askOptions) }
}

export interface AskOptions {
  method?: string
  headers?: Record<string, string>
  body?: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The body read as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a body by asserting it.
  json: any
}

/** One request on a connection of its own, with whatever headers; fetch would not let a test forge Host or Origin. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: AskOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', chunk => {
        text += chunk
      })
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json: parsed(text) }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Writes bytes as they are and resolves with all that came back until the connection ended. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const JSON_TYPE = { 'content-type': 'application/json' }

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
