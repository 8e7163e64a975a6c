import net from 'node:net'
import { BEHIND, type Case, type Step } from './case.ts'
import { type Reading, type Request, readAnswers, valuesOf } from './message.ts'
import type { OriginConnection, RecordingOrigin } from './origin.ts'

/** What came of a case, on both sides. */
export interface Seen {
  /** All the downstream got. */
  text: string
  /** How its connection ended; `open` where the proxy let it be until it was given up. */
  end: 'closed' | 'reset' | 'open'
  /** What came at the origin, by connection. */
  upward: Reading<Request>[]
  /** What was waited for in vain. */
  missed: string | undefined
}

const FLUSH = 'GET /flush HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'

/** A downstream of bare bytes. */
class Downstream {
  readonly socket: net.Socket
  text = ''
  end: Seen['end'] = 'open'

  constructor(port: number, onEvent: () => void) {
    this.socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    this.socket.on('data', bytes => {
      this.text += bytes.toString('latin1')
      onEvent()
    })
    this.socket.on('error', () => {
      if (this.end === 'open') this.end = 'reset'
    })
    this.socket.on('end', () => {
      this.end = 'closed'
      onEvent()
    })
    this.socket.on('close', () => {
      if (this.end === 'open') this.end = 'closed'
      onEvent()
    })
  }
}

/** Plays a case against a proxy on this port that stands before this origin. Waits for events, each up to `deadlineMs`. */
export async function play(wanted: Case, port: number, origin: RecordingOrigin, deadlineMs: number): Promise<Seen> {
  let onEvent = (): void => {}
  const tell = (): void => onEvent()
  const until = (claim: () => boolean): Promise<boolean> =>
    new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        onEvent = () => {}
        resolve(claim())
      }
      const timer = setTimeout(done, deadlineMs)
      onEvent = () => {
        if (claim()) done()
      }
      onEvent()
    })

  origin.begin(wanted.answer, wanted.ends)
  const unwatch = origin.watch(tell)
  const downstream = new Downstream(port, tell)
  let missed: string | undefined
  let spoken: OriginConnection | undefined
  for (const step of wanted.script) {
    spoken = origin.current ?? spoken
    if (await take(step, downstream, origin, until)) continue
    missed = JSON.stringify(step).slice(0, 200)
    break
  }
  if (missed === undefined && !wanted.script.some(step => 'leaves' in step)) {
    const answers = Math.max(...wanted.want.map(({ answers = 1 }) => answers))
    if (wanted.isLast !== true) {
      await until(() => downstream.end !== 'open' || countFinal(downstream.text, wanted.methods) >= answers)
      if (downstream.end === 'open') downstream.socket.write(BEHIND)
    }
    // Who has been told that nothing more will come ends its side, as real downstreams do; the proxy need not wait for that.
    const isOver = (): boolean => downstream.end !== 'open'
    if (wanted.isLast === true && (await until(() => isOver() || saysClose(downstream.text, wanted.methods))))
      downstream.socket.end()
    if (!(await until(isOver))) missed = 'the end of the connection'
  }
  downstream.socket.destroy()
  // What the case had on its way to the origin is there before this is: it is one thread that sends them.
  for (let tries = 0; tries < 5 && !origin.text().includes('GET /flush '); tries++) {
    const flush = new Downstream(port, tell)
    flush.socket.write(FLUSH)
    await until(() => flush.end !== 'open')
    flush.socket.destroy()
  }
  unwatch()
  const { text, end } = downstream
  const seen: Seen = { text, end, upward: origin.readings(), missed }
  origin.tidy()
  return seen
}

function countFinal(text: string, methods: readonly string[] = []): number {
  return readAnswers(text, methods, false).messages.filter(({ status }) => status >= 200).length
}

function saysClose(text: string, methods: readonly string[] = []): boolean {
  const last = readAnswers(text, methods, false).messages.at(-1)
  return last !== undefined && valuesOf(last.fields, 'connection').some(value => /close/i.test(value))
}

/** False: what a step waits for has not happened. */
async function take(
  step: Step,
  downstream: Downstream,
  origin: RecordingOrigin,
  until: (claim: () => boolean) => Promise<boolean>,
): Promise<boolean> {
  if ('send' in step) {
    downstream.socket.write(step.send, 'latin1')
    return true
  }
  if ('gets' in step) {
    await until(() => downstream.text.includes(step.gets) || downstream.end !== 'open')
    return downstream.text.includes(step.gets)
  }
  if ('leaves' in step) {
    if (step.leaves === 'reset') downstream.socket.resetAndDestroy()
    else downstream.socket.destroy()
    return true
  }
  if ('originGets' in step) return until(() => origin.text().includes(step.originGets))
  const { current } = origin
  if (current === undefined) return false
  if ('originLosesDownstream' in step) return until(() => current.isGone)
  if ('originSends' in step) origin.send(current, step.originSends, undefined)
  else origin.send(current, '', step.originLeaves)
  return true
}
