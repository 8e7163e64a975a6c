import { request as askPlain } from 'node:http'
import { request as askTls } from 'node:https'
import type { Ask } from '../load/wrk.ts'

/** Throws when what comes back through a proxy is not, to the byte, what the origin answers by itself: a quick proxy may be a wrong one. */
export async function checkForwarded(
  ask: Ask,
  proxy: { readonly port: number; readonly isTls: boolean },
  originPort: number,
): Promise<void> {
  const through = await answerOf(ask, proxy)
  const direct = await answerOf(ask, { port: originPort, isTls: false })
  if (through.status === 200 && direct.status === 200 && through.body.equals(direct.body)) return
  throw new Error(
    `Cannot measure: ${ask.path} is answered ${through.status} by the proxy, ${direct.status} by the origin`,
  )
}

interface Answer {
  readonly status: number | undefined
  readonly body: Buffer
}

function answerOf({ path, postBytes = 0 }: Ask, { port, isTls }: { port: number; isTls: boolean }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      ...{ host: '127.0.0.1', port, path, method: postBytes > 0 ? 'POST' : 'GET', agent: false, timeout: 5000 },
      headers: postBytes > 0 ? { 'content-type': 'application/json', 'content-length': postBytes } : {},
    }
    // Its certificate is signed by itself, a moment ago.
    const asked = isTls ? askTls({ ...options, rejectUnauthorized: false }) : askPlain(options)
    asked.once('timeout', () => asked.destroy(new Error('Cannot measure: no answer')))
    asked.once('error', reject)
    asked.once('response', answer => {
      const pieces: Buffer[] = []
      answer.on('data', piece => pieces.push(piece))
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(pieces) }))
    })
    asked.end(Buffer.alloc(postBytes, 'x'))
  })
}
