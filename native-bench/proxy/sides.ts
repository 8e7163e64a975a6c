import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Files } from '../load/certificate.ts'
import { placed } from '../load/cores.ts'
import { freePorts, nginxFolder, type Program, startWherePresent, whenListening } from '../load/programs.ts'
import type { PeerName } from './peers.ts'

/** What a proxy is put before. */
export interface Stand {
  /** For its files; it goes with the measuring. */
  readonly folder: string
  /** Ports of the origins. */
  readonly origins: readonly number[]
  /** Where the proxy is to speak TLS. */
  readonly tls?: Files | undefined
}

/** A proxy as a process of its own, on the core for what is measured. */
export interface ProxySide {
  readonly name: string
  /** How long it is left to itself after it was stopped, before it is measured; none: at once. */
  readonly wakeMs?: number
  /** Undefined where it is not installed. */
  start(stand: Stand): Promise<Program | undefined>
}

/**
 * All that are compared. One thread each, no access log, connections to the origin kept; none has to close a connection that it would need a
 * moment later.
 *
 *   signalbox           its defaults: as many connections as there are requests at once
 *   nginx               one process, 256 idle connections kept, an answer of 16 KiB in one buffer
 *   HAProxy             one thread, any connection for any request, an answer of 16 KiB in one buffer
 *   packages            see peers.ts
 */
export const PROXIES: readonly ProxySide[] = [
  signalbox(),
  nginx(),
  haproxy(),
  inNode('fast-proxy'),
  inNode('http-proxy-3'),
  inNode('@fastify/http-proxy'),
  inNode('httpxy'),
  inNode('node:http + undici'),
]

const SIGNALBOX = fileURLToPath(new URL('../../scripts/signalbox.js', import.meta.url))
const PEER = fileURLToPath(new URL('./peer.js', import.meta.url))

/** The command that people run; of its defaults only the number of threads is another, and the access log is off. */
export function signalbox(policy?: string): ProxySide {
  return {
    name: policy === undefined ? 'signalbox' : `signalbox ${policy}`,
    // Its agents find out that they have been away, and one takes the lead again: some 0.2 s of CPU within the first second.
    wakeMs: 1500,
    async start({ folder, origins, tls }) {
      const [admin] = (await freePorts(1)) as [number]
      return startWherePresent(process.execPath, 'measured', port => {
        const file = join(folder, `signalbox-${port}.yaml`)
        const config = {
          listen: { address: `127.0.0.1:${port}`, ...(tls !== undefined && { tls }) },
          workers: 1,
          admin: { listen: `127.0.0.1:${admin}` },
          log: { access: false },
          services: {
            api: {
              ...(policy !== undefined && { policy }),
              endpoints: origins.map((at, i) => ({ id: `o${i}`, url: `http://127.0.0.1:${at}` })),
            },
          },
        }
        writeFileSync(file, JSON.stringify(config))
        return [SIGNALBOX, 'proxy', '--config', file]
      })
    },
  }
}

/** `balance` is the directive for how it chooses among several, with its semicolon; none: in turns. */
export function nginx(balance = ''): ProxySide {
  return {
    name: `nginx${balance === '' ? '' : ` ${balance.replace(';', '')}`}`,
    start: ({ folder, origins, tls }) =>
      startWherePresent('nginx', 'measured', port => {
        const file = join(folder, `nginx-${port}.conf`)
        const certificate = tls === undefined ? '' : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`
        writeFileSync(
          file,
          `daemon off; master_process off; pid ${folder}/pid-${port}; error_log stderr crit;
          events { worker_connections 8192; }
          http {
            access_log off; ${nginxFolder(folder)} keepalive_requests 100000000; keepalive_timeout 120s;
            proxy_buffer_size 32k; proxy_buffers 8 32k; proxy_busy_buffers_size 64k;
            upstream origins {
              ${balance} ${origins.map(at => `server 127.0.0.1:${at};`).join(' ')}
              keepalive 256; keepalive_requests 100000000; keepalive_timeout 120s;
            }
            server {
              listen 127.0.0.1:${port} ${tls === undefined ? '' : 'ssl'} backlog=4096; ${certificate}
              location / { proxy_pass http://origins; proxy_http_version 1.1; proxy_set_header Connection ""; }
            }
          }`,
        )
        return ['-p', folder, '-c', file]
      }),
  }
}

/** `balance` is its algorithm. */
export function haproxy(balance?: string): ProxySide {
  return {
    name: `HAProxy${balance === undefined ? '' : ` ${balance}`}`,
    start: ({ folder, origins, tls }) =>
      startWherePresent('haproxy', 'measured', port => {
        const file = join(folder, `haproxy-${port}.cfg`)
        let bind = `bind 127.0.0.1:${port} backlog 4096`
        if (tls !== undefined) {
          const both = join(folder, `haproxy-${port}.pem`)
          writeFileSync(both, readFileSync(tls.cert, 'utf8') + readFileSync(tls.key, 'utf8'), { mode: 0o600 })
          bind += ` ssl crt ${both}`
        }
        writeFileSync(
          file,
          `global
  nbthread 1
  maxconn 8192
  tune.bufsize 32768
defaults
  mode http
  timeout connect 10s
  timeout client 120s
  timeout server 120s
  timeout http-keep-alive 120s
frontend downstream
  ${bind}
  default_backend upstream
backend upstream
  balance ${balance ?? 'roundrobin'}
  http-reuse always
${origins.map((at, i) => `  server o${i} 127.0.0.1:${at}`).join('\n')}
`,
        )
        return ['-db', '-f', file]
      }),
  }
}

/** A proxy of a package of Node, before one origin. */
export function inNode(name: PeerName): ProxySide {
  return {
    name,
    async start({ origins: [origin], tls }) {
      const [port] = (await freePorts(1)) as [number]
      const task = { name, port, origin: `http://127.0.0.1:${origin}`, tls }
      const command = placed(process.execPath, [PEER, JSON.stringify(task)], 'measured')
      const child = spawn(...command, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
      let isAbsent = false
      child.once('message', () => {
        isAbsent = true
      })
      try {
        return await whenListening(name, child, port)
      } catch (error) {
        if (isAbsent) return undefined
        throw error
      }
    },
  }
}
