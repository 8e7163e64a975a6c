import { Agent, type IncomingMessage, request } from 'node:http'
import { sharedMs } from './book.ts'

/**
 * The downstream, in a process of its own: so many GETs and POSTs a second whether or not the ones before are answered, each
 * with an id. Kept connections, no second tries, and nothing is hidden: what happened to each request is told at the end.
 *
 *   parent ──▶ Order          begin, with an empty record
 *   parent ──▶ 'stop'         send no more, wait for what is under way
 *   parent ◀── Load
 */
export interface Asked {
  readonly id: number
  readonly method: 'GET' | 'POST'
  readonly atMs: number
  readonly tookMs: number
  /** 0: no answer, or one that broke off or belongs to another request. */
  readonly status: number
  /** Why, where it is not 2xx. */
  readonly reason: string
  /** Who answered; empty where the proxy did. */
  readonly origin: string
}

export interface Load {
  readonly asked: readonly Asked[]
  /** The longest that this process itself was late with what it had to do, in ms: how busy the machine is. */
  readonly lagMs: number
}

/** What load to make. `postEveryMs` 0: no POSTs. */
export interface Order {
  readonly port: number
  readonly getEveryMs: number
  readonly postEveryMs: number
}

/** Who has no answer by then will not get one. Longer than what a proxy waits for an origin here. */
const DEADLINE_MS = 30_000

const agent = new Agent({ keepAlive: true })
let asked: Asked[] = []
let nextId = 0
let underWay = 0
let lagMs = 0
let timer: NodeJS.Timeout | undefined

function ask(port: number, method: Asked['method']): void {
  const id = nextId++
  const atMs = sharedMs()
  let isOver = false
  underWay++
  const end = (status: number, reason: string, origin = ''): void => {
    if (isOver) return
    isOver = true
    clearTimeout(deadline)
    asked.push({ id, method, atMs, tookMs: sharedMs() - atMs, status, reason, origin })
    underWay--
  }
  const headers = method === 'POST' ? { 'content-length': 2 } : {}
  const going = request({ host: '127.0.0.1', port, path: `/${id}`, method, agent, headers }, answer => {
    readWhole(answer, text => {
      const { statusCode = 0 } = answer
      const reason = String(answer.headers['x-signalbox-reason'] ?? (statusCode < 300 ? '' : 'status'))
      if (text === undefined) end(0, 'broken off')
      else if (statusCode === 200 && text !== String(id)) end(0, `answer of another request: ${text}`)
      else end(statusCode, reason, String(answer.headers['x-origin'] ?? ''))
    })
  })
  const deadline = setTimeout(() => going.destroy(new Error('no answer')), DEADLINE_MS)
  going.on('error', (error: NodeJS.ErrnoException) => end(0, error.code ?? error.message))
  going.end(method === 'POST' ? 'it' : undefined)
}

function readWhole(answer: IncomingMessage, onEnd: (text: string | undefined) => void): void {
  let text = ''
  answer.on('data', bytes => {
    text += bytes
  })
  answer.on('error', () => {})
  answer.on('close', () => onEnd(answer.complete ? text : undefined))
}

function begin({ port, getEveryMs, postEveryMs }: Order): void {
  asked = []
  lagMs = 0
  const startedMs = sharedMs()
  let gets = 0
  let posts = 0
  let lookedMs = startedMs
  timer = setInterval(() => {
    const now = sharedMs()
    lagMs = Math.max(lagMs, now - lookedMs - 1)
    lookedMs = now
    for (; gets * getEveryMs <= now - startedMs; gets++) ask(port, 'GET')
    for (; postEveryMs > 0 && posts * postEveryMs <= now - startedMs; posts++) ask(port, 'POST')
  }, 1)
}

function stop(): void {
  clearInterval(timer)
  const look = setInterval(() => {
    if (underWay > 0) return
    clearInterval(look)
    process.send!({ asked, lagMs } satisfies Load)
  }, 10)
}

process.on('message', (message: Order | 'stop') => {
  if (message === 'stop') stop()
  else begin(message)
})
process.on('disconnect', () => process.exit())
