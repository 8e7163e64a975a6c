import { readFile } from 'node:fs/promises'
import { SignalboxError } from '../errors.ts'

export interface PageFile {
  type: string
  body: Buffer
}

/** The dashboard: plain files that lie in the package as they were written, beside the compiled code. */
const FOLDER = new URL('../../../engine/admin/page/', import.meta.url)

const FILES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/assets/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/assets/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/assets/events.js', file: 'events.js', type: 'text/javascript; charset=utf-8' },
  { path: '/assets/heard.js', file: 'heard.js', type: 'text/javascript; charset=utf-8' },
  { path: '/assets/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
] as const

/** Reads the dashboard once, by the path it is asked for under. Throws SBX_ADMIN_FAILED when the package lacks a file. */
export async function loadPageFiles(): Promise<Map<string, PageFile>> {
  const entries = FILES.map(async ({ path, file, type }) => {
    const body = await readFile(new URL(file, FOLDER)).catch((cause: unknown) => {
      throw new SignalboxError(
        'SBX_ADMIN_FAILED',
        `Cannot load the dashboard: the package lacks engine/admin/page/${file}, install it again`,
        { cause },
      )
    })
    return [path, { type, body }] as const
  })
  return new Map(await Promise.all(entries))
}
