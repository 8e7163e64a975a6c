import tls from 'node:tls'
import { type Rig, startRig } from './rig.ts'

/** A proxy that downstreams speak TLS to; `keys` are those of `listen.tls`, `config` what a rig takes. */
export function startTlsRig(urls: string[], keys: object, config: Parameters<typeof startRig>[1] = {}): Promise<Rig> {
  return startRig(urls, { ...config, listen: { address: '127.0.0.1:0', tls: keys } } as Parameters<typeof startRig>[1])
}

/** The name in the certificate that is shown to who asks for `servername`, or for none. */
export function shown(port: number, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ...(servername && { servername }) }
    const socket = tls.connect(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
