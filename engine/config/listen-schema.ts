import { z } from 'zod'
import { type ListenAddress, printListenAddress, readListenAddress } from './address.ts'
import { flag, leaf, spellings } from './leaf.ts'
import { keys } from './names.ts'
import { type TlsConfig, tlsInFolder, tlsSchema } from './tls-schema.ts'
import { kindOf } from './wording.ts'

/** One listener, as the program reads it. */
export interface ListenConfig extends ListenAddress {
  /** Absent: plain HTTP/1.1. */
  tls?: TlsConfig
  /** Every connection begins with a PROXY protocol header, which says where it comes from. */
  proxyProtocol: boolean
}

/** One address, written `host:port` or as a port alone. */
export const listenAddress = () =>
  leaf<ListenAddress, string | number>({
    what: 'an address to listen on',
    wish: 'write host:port, as in 127.0.0.1:8080',
    json: { type: ['string', 'integer'] },
    read: written =>
      typeof written === 'boolean'
        ? { fault: `${written} is not an address to listen on; write host:port` }
        : readListenAddress(String(written)),
    print: printListenAddress,
  })

const listenPlain = () => listenAddress().transform((at): ListenConfig => ({ ...at, proxyProtocol: false }))

const listenObject = keys({
  address: listenAddress().describe(
    'host:port. An IPv6 host stands in brackets. Without a host: 127.0.0.1. Port 0: any free port.',
  ),
  tls: tlsSchema.optional().describe('TLS of this listener. Default absent: plain HTTP/1.1.'),
  proxyProtocol: flag()
    .prefault(false)
    .describe(
      'Whether every connection must begin with a PROXY protocol header (version 1 or 2), which is believed: let nobody reach the listener but the load balancer that sends it. Default false.',
    ),
}).transform(
  ({ address, tls, proxyProtocol }): ListenConfig => ({
    ...address,
    ...(tls !== undefined && { tls }),
    proxyProtocol,
  }),
)

const listenError = {
  error: (issue: { input?: unknown }) =>
    `${kindOf(issue.input)} is not an address to listen on; write host:port, { address } or a list of them`,
}

/** Whether one or many are written, the program reads a list. */
export const listenSchema = z
  .union(
    [
      listenPlain().transform(one => [one]),
      listenObject.transform(one => [one]),
      z.array(z.union([listenPlain(), listenObject], listenError)).min(1),
    ],
    listenError,
  )
  .register(spellings, { print: (list: ListenConfig[]) => list.map(printListen) })

function printListen({ tls, proxyProtocol, ...at }: ListenConfig): unknown {
  const address = printListenAddress(at)
  return tls === undefined && !proxyProtocol ? address : { address, ...(tls !== undefined && { tls }), proxyProtocol }
}

/** The same listeners with every path made absolute. */
export function listenInFolder(listen: readonly ListenConfig[], folder: string): ListenConfig[] {
  return listen.map(each => (each.tls === undefined ? each : { ...each, tls: tlsInFolder(each.tls, folder) }))
}
