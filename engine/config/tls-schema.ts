import { resolve } from 'node:path'
import { z } from 'zod'
import { isHostName } from './address.ts'
import { flag, type Reading, textLeaf } from './leaf.ts'
import { choice, keys } from './names.ts'
import { show } from './wording.ts'

/**
 * TLS of one listener. A path is relative to the folder of the config file, so that a config and its certificates move
 * together and `signalbox check` says the same from everywhere; without a file, to the working directory.
 */

const pemFile = (what: string) =>
  textLeaf<string>({
    what: 'a file path',
    wish: `write the path of ${what}`,
    pattern: '.',
    read: text =>
      text === '' || text.includes('\0')
        ? { fault: `${show(text)} is not a file path; write the path of ${what}` }
        : { value: text },
  })

/** `a.example` or `*.example.com`, in lower case. A wildcard stands for one label, as in a certificate. */
function readServerName(text: string): Reading<string> {
  const name = text.toLowerCase().replace(/\.$/, '')
  const plain = name.startsWith('*.') ? name.slice(2) : name
  // A downstream never sends an address here (RFC 6066 3), so one could never match.
  if (isHostName(plain) && !/^[\d.]+$/.test(plain)) return { value: name }
  return { fault: `${show(text)} is not a server name; write a host name such as a.example or *.example.com` }
}

const certFile = () => pemFile('a PEM file with the certificate and its chain')
const keyFile = () => pemFile('a PEM file with the private key')

export const tlsSchema = keys({
  cert: certFile().describe(
    'PEM file of the certificate, its chain after it: what is shown to who asks for no name, or for one that sni does not have. Required.',
  ),
  key: keyFile().describe('PEM file of its private key, without a passphrase. Required.'),
  sni: z
    .array(
      keys({
        hosts: z
          .array(
            textLeaf<string>({
              what: 'a server name',
              wish: 'write a host name such as a.example or *.example.com',
              read: readServerName,
            }),
          )
          .min(1)
          .describe('Names this certificate is shown for; *.example.com stands for one label. Required.'),
        cert: certFile().describe('PEM file of the certificate, its chain after it. Required.'),
        key: keyFile().describe('PEM file of its private key, without a passphrase. Required.'),
      }),
    )
    .prefault([])
    .describe('Further certificates, by the name the downstream asks for. Default none.'),
  clientCa: pemFile('a PEM file with the certificate authorities')
    .optional()
    .describe('PEM file of the authorities whose client certificates are accepted. Default absent.'),
  clientAuth: choice('a client authentication', ['none', 'optional', 'required'])
    .prefault('none')
    .describe(
      'Whether the downstream shows a certificate of clientCa: none, optional (a wrong one is refused), required. Default none.',
    ),
  minVersion: choice('a TLS version', ['TLSv1.2', 'TLSv1.3'])
    .prefault('TLSv1.2')
    .describe('The oldest TLS version that is spoken: TLSv1.2 or TLSv1.3. Default TLSv1.2.'),
  http2: flag().prefault(true).describe('Whether HTTP/2 is offered beside HTTP/1.1. Default true.'),
})

/** TLS of one listener, as the program reads it. */
export type TlsConfig = z.output<typeof tlsSchema>

/** The same with every path made absolute. */
export function tlsInFolder(tls: TlsConfig, folder: string): TlsConfig {
  const { clientCa } = tls
  return {
    ...tls,
    cert: resolve(folder, tls.cert),
    key: resolve(folder, tls.key),
    sni: tls.sni.map(each => ({ ...each, cert: resolve(folder, each.cert), key: resolve(folder, each.key) })),
    ...(clientCa !== undefined && { clientCa: resolve(folder, clientCa) }),
  }
}
