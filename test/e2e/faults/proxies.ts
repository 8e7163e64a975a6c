import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canConnect, freePorts, nginxFolder, type Program, startProgram } from '../../../native-bench/load/programs.ts'
import { startSignalbox } from '../../support/command-line.ts'
import { eventually } from '../../support/eventually.ts'

/** A proxy as a process of its own, before the same four origins as the others. */
export interface Setup {
  /** For people, and as a title. */
  readonly name: string
  start(folder: string, originPorts: readonly number[]): Promise<Program>
}

export function signalbox(policy: string, checks: 'default' | 'quick' | 'none'): Setup {
  return {
    name: `signalbox ${policy}, ${checks} checks`,
    start: async (folder, originPorts) => {
      const [port, admin] = (await freePorts(2)) as [number, number]
      const file = join(folder, 'signalbox.yaml')
      const endpoints = originPorts.map((at, i) => `{ id: o${i}, url: "http://127.0.0.1:${at}" }`)
      writeFileSync(
        file,
        `listen: 127.0.0.1:${port}
workers: 1
admin: { listen: "127.0.0.1:${admin}" }
log: { level: info, access: false }
services:
  api:
    policy: ${policy}
    endpoints: [${endpoints.join(', ')}]
${SIGNALBOX_CHECKS[checks]}`,
      )
      const running = startSignalbox(['proxy', '--config', file])
      await eventually(`signalbox listens: ${running.output()}`, () => canConnect(port), 20_000)
      return { pid: running.child.pid!, port, output: running.output, end: running.end }
    },
  }
}

const SIGNALBOX_CHECKS = {
  default: '    healthCheck: { path: /healthz }\n',
  quick: '    healthCheck: { path: /healthz, interval: 100ms, timeout: 200ms, healthyAfter: 1 }\n',
  none: '',
} as const

/** `default`: checks every 2 s, three that fail. `quick`: every 100 ms, one that passes, and GETs are tried again after 1 s of silence. */
export function haproxy(checks: 'default' | 'quick'): Setup {
  const { server, check, retryOn } = HAPROXY_CHECKS[checks]
  return {
    name: `haproxy, ${checks} checks`,
    start: (folder, originPorts) =>
      startProgram('haproxy', port => {
        const file = join(folder, 'haproxy.cfg')
        const servers = originPorts.map((at, i) => `  server o${i} 127.0.0.1:${at} check ${check}`)
        writeFileSync(
          file,
          `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server ${server}
  timeout check 200ms
  timeout http-keep-alive 60s
  retries 3
  option redispatch 1
  retry-on ${retryOn}
frontend downstream
  bind 127.0.0.1:${port}
  default_backend upstream
backend upstream
  balance roundrobin
  http-reuse safe
  option httpchk GET /healthz
  http-request disable-l7-retry if METH_POST
${servers.join('\n')}
`,
        )
        return ['-db', '-f', file]
      }),
  }
}

const HAPROXY_CHECKS = {
  default: { server: '15s', check: 'inter 2s fall 3 rise 2', retryOn: 'conn-failure empty-response' },
  quick: {
    server: '1s',
    check: 'inter 100ms fall 2 rise 1 observe layer4 error-limit 5 on-error mark-down',
    retryOn: 'conn-failure empty-response response-timeout',
  },
} as const

/** It has no active checks. `default`: what a server may take is 15 s. `quick`: 1 s, and a second off for two failures. */
export function nginx(patience: 'default' | 'quick'): Setup {
  const { read, server } = NGINX_PATIENCE[patience]
  return {
    name: `nginx, ${patience} timeouts`,
    start: (folder, originPorts) =>
      startProgram('nginx', port => {
        const file = join(folder, 'nginx.conf')
        const servers = originPorts.map(at => `server 127.0.0.1:${at} ${server};`)
        writeFileSync(
          file,
          `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
          events { worker_connections 1024; }
          http {
            access_log off; ${nginxFolder(folder)} keepalive_requests 1000000; keepalive_timeout 120s;
            upstream origins { ${servers.join(' ')} keepalive 32; keepalive_requests 1000000; }
            server {
              listen 127.0.0.1:${port};
              location / {
                proxy_pass http://origins; proxy_http_version 1.1; proxy_set_header Connection "";
                proxy_connect_timeout 1s; proxy_read_timeout ${read}; proxy_max_temp_file_size 0;
                proxy_next_upstream error timeout http_502 http_503 http_504;
              }
            }
          }`,
        )
        return ['-p', folder, '-c', file]
      }),
  }
}

const NGINX_PATIENCE = {
  default: { read: '15s', server: '' },
  quick: { read: '1s', server: 'max_fails=2 fail_timeout=1s' },
} as const
