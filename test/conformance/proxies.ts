import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nginxFolder, startProgram } from '../../native-bench/load/programs.ts'
import { startRig } from '../proxy/rig.ts'
import { RecordingOrigin } from './origin.ts'

/** A proxy under test before an origin of its own. */
export interface Subject {
  readonly port: number
  readonly origin: RecordingOrigin
  close(): Promise<void>
}

/** How long ours lets a downstream take for its header, or pause in its body: long beside what a busy machine delays. */
const PATIENCE_MS = 3000

/** What a header may take: the cases about limits rely on it. */
export const LIMITS = { headerBytes: '8KiB', headers: 100, urlBytes: '4KiB', bodyBytes: '8MiB' }

export async function startSignalbox(): Promise<Subject> {
  const origin = await RecordingOrigin.start()
  const patience = `${PATIENCE_MS}ms`
  const rig = await startRig([`http://127.0.0.1:${origin.port}`], {
    limits: { ...LIMITS, headerTimeout: patience, bodyIdle: patience },
  })
  const close = async (): Promise<void> => {
    await rig.close()
    await origin.close()
  }
  return { port: rig.port, origin, close }
}

/** The two that judge the cases: a case that neither passes is more likely wrong than right. */
export const JUDGES = {
  nginx: { debian: 'nginx-light', start: startNginx },
  haproxy: { debian: 'haproxy', start: startHaproxy },
} as const

function startNginx(): Promise<Subject> {
  return before('nginx', ({ port, originPort, folder }) => {
    const file = join(folder, 'nginx.conf')
    writeFileSync(
      file,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
      events { worker_connections 512; }
      http {
        access_log off; ${nginxFolder(folder)}
        client_header_timeout 1s; client_body_timeout 1s; lingering_close off;
        large_client_header_buffers 4 8k; client_max_body_size 8m;
        upstream origin { server 127.0.0.1:${originPort} max_fails=0; keepalive 8; }
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
            proxy_read_timeout 1s; proxy_set_header X-Forwarded-For $remote_addr; proxy_request_buffering off; proxy_buffering off;
          }
        }
      }`,
    )
    return ['-p', folder, '-c', file]
  })
}

function startHaproxy(): Promise<Subject> {
  return before('haproxy', ({ port, originPort, folder }) => {
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(
      file,
      `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout http-request 1s
  timeout http-keep-alive 5s
  timeout client 1s
  timeout server 1s
  option abortonclose
  option forwardfor
frontend downstream
  bind 127.0.0.1:${port}
  default_backend upstream
backend upstream
  http-reuse safe
  server origin 127.0.0.1:${originPort}
`,
    )
    return ['-db', '-f', file]
  })
}

async function before(
  program: 'nginx' | 'haproxy',
  argsFor: (at: { port: number; originPort: number; folder: string }) => string[],
): Promise<Subject> {
  const origin = await RecordingOrigin.start()
  const folder = mkdtempSync(join(tmpdir(), `signalbox-${program}-`))
  const running = await startProgram(program, port => argsFor({ port, originPort: origin.port, folder }))
  const close = async (): Promise<void> => {
    await running.end()
    await origin.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { port: running.port, origin, close }
}
