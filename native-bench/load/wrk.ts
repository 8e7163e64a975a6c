import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf, placed } from './cores.ts'
import { makeFolder } from './folder.ts'

/** What is asked for, again and again. */
export interface Ask {
  readonly path: string
  /** Bytes of the body that is sent; none: it is a GET. */
  readonly postBytes?: number
  /** Bytes of the body that is to come back. */
  readonly answerBytes: number
}

export interface ClosedLoad extends Ask {
  readonly port: number
  readonly isTls?: boolean
  readonly connections: number
  readonly seconds: number
}

export interface ClosedHeard {
  readonly requests: number
  readonly perSecond: number
  readonly nsP50: number
  readonly nsP99: number
  /** Answers that are not 2xx or 3xx, and connections that were refused, broke off or gave no answer in 2 s. */
  readonly errors: number
}

/** What a browser sends, about: a proxy has headers to carry. */
export const HEADERS = {
  Host: 'api.example.com',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  Accept: 'application/json, text/plain, */*',
  'Accept-Language': 'en-US,en;q=0.5',
  Cookie: 'session=5f2b1c9e7d4a8036; theme=dark',
} as const

export function hasWrk(): boolean {
  return pathOf('wrk') !== undefined
}

/**
 * Closed loop: each connection sends its next request when it has its answer. That shows how many requests a proxy can take, and flatters its
 * latencies, for while it stalls nobody asks: open-loop.ts is for those.
 */
export async function askClosed(load: ClosedLoad): Promise<ClosedHeard> {
  const { port, isTls = false, path, connections, seconds, answerBytes } = load
  const folder = makeFolder()
  try {
    const script = join(folder.path, 'ask.lua')
    writeFileSync(script, scriptOf(load))
    const url = `${isTls ? 'https' : 'http'}://127.0.0.1:${port}${path}`
    const printed = await outputOf(['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url])
    const told = /^told (.*)$/m.exec(printed)?.[1]?.split(' ').map(Number)
    if (told === undefined) throw new Error(`Cannot measure: wrk said ${printed}`)
    const [requests, durationUs, bytes, usP50, usP99, errors] = told as [number, number, number, number, number, number]
    if (bytes < requests * answerBytes) throw new Error(`Cannot measure: ${requests} answers had ${bytes} bytes in all`)
    return { requests, perSecond: (requests / durationUs) * 1e6, nsP50: usP50 * 1000, nsP99: usP99 * 1000, errors }
  } finally {
    folder.remove()
  }
}

/** It says what is asked for, and how to tell it; nothing of it runs while requests are sent. */
function scriptOf({ postBytes = 0 }: Ask): string {
  const headers = Object.entries({ ...HEADERS, ...(postBytes > 0 && { 'Content-Type': 'application/json' }) })
  return `
${headers.map(([name, value]) => `wrk.headers["${name}"] = "${value}"`).join('\n')}
${postBytes > 0 ? `wrk.method = "POST"\nwrk.body = string.rep("x", ${postBytes})` : ''}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("told %d %d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`
}

function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(...placed(pathOf('wrk')!, args, 'load'), { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', bytes => (output += bytes))
    child.once('error', reject)
    child.once('close', () => resolve(output))
  })
}
