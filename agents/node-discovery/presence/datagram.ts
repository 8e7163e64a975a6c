import { createHmac, timingSafeEqual } from 'node:crypto'
import { count, listOf, objectOf, oneOf, type ShapeOf, text } from '../../kit/grammar/shapes.ts'

/** What nodes of a cluster say to each other to be found. */
const presenceShape = objectOf({
  v: oneOf('1'),
  /** `here`: to all, I am here · `who`: to all, are you there? · `answer`: to who asked. */
  kind: oneOf('here', 'who', 'answer'),
  cluster: text,
  node: text,
  /** Which life of the node this is, by chance another each time. */
  life: text,
  /** Said so often in this life; it only grows. */
  seq: count,
  /** Said once and never again. */
  nonce: text,
  /** Of an answer: the nonce of the question. Empty: it is none. */
  to: text,
  /** host:port; empty: it says none. */
  address: text,
  zone: text,
  capabilities: listOf(text),
})
export type Presence = ShapeOf<typeof presenceShape>

/** What is larger may not come through in one piece (Ethernet, less some tunnels). */
export const DATAGRAM_BYTES_MAX = 1_200

const BEFORE_MAC = '{"mac":"'
const BEFORE_BODY = '","body":'
/** SHA-256 in base64url. */
const MAC_LENGTH = 43

/**
 * A message as a datagram: JSON that signs its own text.
 *
 *   {"mac":"<HMAC-SHA256 of the body's bytes, by the secret, base64url>","body":{…}}
 *
 * Capabilities that do not fit are left out.
 */
export function encodePresence(presence: Presence, secret: string): Buffer {
  for (let kept = presence.capabilities.length; ; kept--) {
    const body = JSON.stringify({ ...presence, capabilities: presence.capabilities.slice(0, kept) })
    const bytes = Buffer.from(`${BEFORE_MAC}${macOf(body, secret)}${BEFORE_BODY}${body}}`)
    if (bytes.length <= DATAGRAM_BYTES_MAX || kept === 0) return bytes
  }
}

/** Why a datagram is not heard. */
export type Unheard = 'malformed' | 'foreign' | 'forged' | 'replayed'

/** Reads a datagram: one that is no message, of another cluster, or not signed with the secret is not heard. */
export function decodePresence(
  bytes: Uint8Array,
  cluster: string,
  secret: string,
): { readonly presence: Presence } | { readonly unheard: Unheard } {
  if (bytes.length > DATAGRAM_BYTES_MAX) return { unheard: 'malformed' }
  const written = Buffer.from(bytes).toString('utf8')
  const bodyAt = BEFORE_MAC.length + MAC_LENGTH + BEFORE_BODY.length
  const isSigned =
    written.startsWith(BEFORE_MAC) && written.slice(BEFORE_MAC.length + MAC_LENGTH, bodyAt) === BEFORE_BODY
  if (!isSigned || !written.endsWith('}')) return { unheard: 'malformed' }
  const body = written.slice(bodyAt, -1)
  const presence = read(body)
  if (presence === undefined) return { unheard: 'malformed' }
  if (presence.cluster !== cluster) return { unheard: 'foreign' }
  const mac = written.slice(BEFORE_MAC.length, BEFORE_MAC.length + MAC_LENGTH)
  return isSame(mac, macOf(body, secret)) ? { presence } : { unheard: 'forged' }
}

function read(body: string): Presence | undefined {
  try {
    const checked = presenceShape['~standard'].validate(JSON.parse(body))
    return 'value' in checked && checked.issues === undefined ? checked.value : undefined
  } catch {
    return undefined
  }
}

function macOf(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('base64url')
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
