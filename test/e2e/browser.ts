import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where Chromium is; undefined where there is none. */
export const BROWSER = PATHS.find(path => existsSync(path))

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--remote-debugging-pipe',
]

export interface Page {
  /** The value of an expression in the page, as plain data. */
  read<T>(expression: string): Promise<T>
  /** Errors and refusals (of the content security policy, say) the page met so far. */
  readonly faults: string[]
}

interface Message {
  id?: number
  method?: string
  params?: { exceptionDetails?: { text: string }; entry?: { level: string; text: string } }
  result?: Record<string, unknown>
  error?: { message: string }
}

/** Opens a page in a browser of its own, steered over two pipes; both are gone when the test ends. */
export async function openPage(t: TestContext, url: string): Promise<Page> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-browser-'))
  const browser = spawn(BROWSER as string, [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise(resolve => browser.once('close', resolve))
  t.after(async () => {
    browser.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  const faults: string[] = []
  const send = wire(browser, message => {
    if (message.method === 'Runtime.exceptionThrown') faults.push(message.params?.exceptionDetails?.text ?? 'exception')
    const entry = message.method === 'Log.entryAdded' ? message.params?.entry : undefined
    if (entry?.level === 'error') faults.push(entry.text)
  })
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
  const session = sessionId as string
  await send('Runtime.enable', {}, session)
  await send('Log.enable', {}, session)
  await send('Page.navigate', { url }, session)
  return {
    faults,
    async read<T>(expression: string): Promise<T> {
      const { result } = await send(
        'Runtime.evaluate',
        { expression, returnByValue: true, awaitPromise: true },
        session,
      )
      return (result as { value: T }).value
    },
  }
}

type Send = (method: string, params?: object, sessionId?: string) => Promise<Record<string, unknown>>

/** Chromium's DevTools protocol over descriptors 3 and 4: JSON messages, each ended by a NUL. */
function wire(browser: ChildProcess, onEvent: (message: Message) => void): Send {
  const [toBrowser, fromBrowser] = [browser.stdio[3] as Writable, browser.stdio[4] as Readable]
  const waiting = new Map<number, (message: Message) => void>()
  let text = ''
  let lastId = 0
  toBrowser.on('error', () => {})
  fromBrowser.setEncoding('utf8').on('data', chunk => {
    const messages = (text + chunk).split('\0')
    text = messages.pop() as string
    for (const json of messages) {
      const message = JSON.parse(json) as Message
      if (message.id === undefined) onEvent(message)
      else waiting.get(message.id)?.(message)
    }
  })
  return (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id)
        if (error === undefined) resolve(result ?? {})
        else reject(new Error(`${method}: ${error.message}`))
      })
      toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    })
}
