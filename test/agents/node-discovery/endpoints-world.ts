import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createAgents, ROSTER } from '../../../agents/index.ts'
import { type ConfigInput, createSignalbox } from '../../../engine/index.ts'

/** A server that takes connections on loopback and says nothing. */
export async function listening(t: TestContext, port = 0): Promise<{ port: number; url: string; server: Server }> {
  const server = createServer(socket => socket.on('error', () => {}).resume())
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port: taken } = server.address() as { port: number }
  return { port: taken, url: `http://127.0.0.1:${taken}`, server }
}

/** A port nobody listens on. */
export async function deadUrl(t: TestContext): Promise<string> {
  const { url, server } = await listening(t)
  server.close()
  return url
}

export function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-discovery-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** As an editor or a script that means it writes: whole, under another name first. */
export function put(folder: string, name: string, contents: unknown): string {
  const path = join(folder, name)
  const text = typeof contents === 'string' ? contents : JSON.stringify(contents)
  writeFileSync(`${path}.tmp`, text)
  renameSync(`${path}.tmp`, path)
  return path
}

/** A box with node discovery alone among its agents, in a thread of its own. */
export async function discovering(t: TestContext, config: ConfigInput) {
  const lines: string[] = []
  const control = createAgents({ roster: ROSTER.filter(({ name }) => name === 'node-discovery') })
  const box = await createSignalbox(config, {
    control,
    log: (level, message, about) => lines.push(`${level} ${message} ${JSON.stringify(about ?? {})}`),
  })
  t.after(() => box.close())
  const heard: { type: string; data: Record<string, unknown> }[] = []
  box.control!.hear!({}, ({ json }) => heard.push(JSON.parse(json)))
  const urls = (service = 'api'): string[] =>
    box
      .explain(service)
      .endpoints.map(({ url }) => url)
      .sort()
  const told = (type: string): Record<string, unknown>[] =>
    heard.filter(each => each.type === `signalbox.${type}`).map(({ data }) => data)
  return { box, urls, told, lines }
}
