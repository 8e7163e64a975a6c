import type { IncomingMessage } from 'node:http'
import { Refusal } from './answer.ts'

/** Far above any change there is; a body is held in memory whole. */
export const BODY_BYTES_MAX = 65_536

/**
 * Reads the JSON object a request carries; undefined when it carries no body.
 *
 * Throws a Refusal: 413 above 64 KiB, 415 for another type, 400 for what is not a JSON object. The type is required
 * because a form of another site can post any other without asking the listener first.
 */
export async function readJsonBody(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  checkDeclared(request)
  const type = request.headers['content-type']
  const isJson = type !== undefined && /^application\/json *(;|$)/i.test(type)
  if (type !== undefined && !isJson) throw notJson(type)
  const text = (await readBody(request)).toString('utf8')
  if (text === '') return undefined
  if (!isJson) throw notJson('none')
  const body = parse(text)
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  throw new Refusal(
    400,
    'SBX_ADMIN_INVALID',
    'Cannot read the body: it is not a JSON object, write one such as {"weight": 2}',
  )
}

/** Reads what a request carries, whatever it is. Throws a Refusal: 413 above 64 KiB, 400 when the connection breaks. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  checkDeclared(request)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // Left early, the loop would destroy the socket; then the refusal could not be answered.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length
      if (bytes > BODY_BYTES_MAX) throw tooLarge()
      chunks.push(chunk as Buffer)
    }
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(400, 'SBX_ADMIN_INVALID', 'Cannot read the body: the connection broke before its end')
  }
  return Buffer.concat(chunks)
}

function checkDeclared({ headers }: IncomingMessage): void {
  if (Number(headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLarge()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(
      400,
      'SBX_ADMIN_INVALID',
      'Cannot read the body: it is not JSON, write an object such as {"weight": 2}',
    )
  }
}

function tooLarge(): Refusal {
  return new Refusal(413, 'SBX_ADMIN_INVALID', `Cannot read the body: it is larger than ${BODY_BYTES_MAX} bytes`)
}

function notJson(type: string): Refusal {
  const shown = type === 'none' ? 'missing' : JSON.stringify(type.slice(0, 100))
  return new Refusal(
    415,
    'SBX_ADMIN_INVALID',
    `Cannot read the body: its Content-Type is ${shown}, send application/json`,
  )
}
