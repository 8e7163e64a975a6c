import { Dialer, type UpstreamText } from '../../engine/writer.ts'

/** How an endpoint is connected to. */
export interface Dialled {
  readonly url: string
  /** How its service is; left out: TLS by default. */
  readonly upstream?: UpstreamText | undefined
  /** Over HTTP/2, whatever its service is spoken to by. */
  readonly isHttp2?: boolean
  readonly timeoutMs: number
}

/** An endpoint is asked again and again: its TLS session is taken up where there is one. */
const dialers = new Map<string, Dialer>()
const DIALERS_MAX = 16_384

export function dialerOf({ url, upstream, timeoutMs, isHttp2 = upstream?.isHttp2 === true }: Dialled): Dialer {
  const name = JSON.stringify([url, upstream, timeoutMs, isHttp2])
  let dialer = dialers.get(name)
  if (dialer === undefined) {
    if (dialers.size >= DIALERS_MAX) dialers.clear()
    dialers.set(name, (dialer = freshDialer({ url, upstream, timeoutMs, isHttp2 })))
  }
  return dialer
}

/** One that knows of no TLS session: it makes the whole handshake, and sees the whole certificate. */
export function freshDialer({ url, upstream, timeoutMs, isHttp2 = upstream?.isHttp2 === true }: Dialled): Dialer {
  return new Dialer({ url, tls: upstream?.tls, isHttp2, timeoutMs })
}

/** The same host and port by another scheme: `http:` for a plain connection, `https:` for one with TLS. */
export function schemed(url: string, scheme: 'http:' | 'https:'): string {
  const { hostname, port, protocol } = new URL(url)
  return `${scheme}//${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}
