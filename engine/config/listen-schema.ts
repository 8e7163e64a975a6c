import { z } from 'zod'
import { type ListenAddress, printListenAddress, readListenAddress } from './address.ts'
import { leaf, spellings } from './leaf.ts'
import { keys } from './names.ts'
import { kindOf } from './wording.ts'

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

const listenObject = keys({
  address: listenAddress().describe(
    'host:port. An IPv6 host stands in brackets. Without a host: 127.0.0.1. Port 0: any free port.',
  ),
})

const listenError = {
  error: (issue: { input?: unknown }) =>
    `${kindOf(issue.input)} is not an address to listen on; write host:port, { address } or a list of them`,
}

/** Whether one or many are written, the program reads a list. */
export const listenSchema = z
  .union(
    [
      listenAddress().transform(one => [one]),
      listenObject.transform(one => [one.address]),
      z.array(z.union([listenAddress(), listenObject.transform(one => one.address)], listenError)).min(1),
    ],
    listenError,
  )
  .register(spellings, { print: (list: ListenAddress[]) => list.map(printListenAddress) })
