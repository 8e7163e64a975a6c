import { join } from 'node:path'
import { type Files, makeCertificate } from '../load/certificate.ts'
import { pathOf } from '../load/cores.ts'
import { type Folder, makeFolder } from '../load/folder.ts'
import type { Program } from '../load/programs.ts'
import type { ProxySide, Stand } from './sides.ts'

/** Origins in processes of their own. */
export interface Origins {
  readonly ports: readonly number[]
  end(): Promise<void>
}

/** What all sides of a contest stand before: there from when the first of them begins until the last one has ended, whichever fails in between. */
export class Stage {
  readonly #startOrigins: () => Promise<Origins | undefined>
  readonly #isTls: boolean
  #built: Promise<Built | undefined> | undefined
  #users = 0

  /** `startOrigins` gives undefined where this machine does not have what they need. */
  constructor(startOrigins: () => Promise<Origins | undefined>, isTls = false) {
    this.#startOrigins = startOrigins
    this.#isTls = isTls
  }

  /** A proxy on it; undefined where it, or an origin to stand before, is not on this machine. */
  async start(side: ProxySide): Promise<Program | undefined> {
    this.#users++
    let program: Program | undefined
    try {
      this.#built ??= this.#build()
      const built = await this.#built
      program = built && (await side.start(built.stand))
    } finally {
      if (program === undefined) await this.#leave()
    }
    return (
      program && {
        ...program,
        end: async () => {
          await program.end()
          await this.#leave()
        },
      }
    )
  }

  /** Ports of the origins while somebody stands before them. */
  async ports(): Promise<readonly number[]> {
    return (await this.#built)?.stand.origins ?? []
  }

  async #build(): Promise<Built | undefined> {
    if (this.#isTls && pathOf('openssl') === undefined) return undefined
    const folder = makeFolder()
    let origins: Origins | undefined
    try {
      origins = await this.#startOrigins()
      if (origins === undefined) return undefined
      const tls = this.#isTls ? certificateIn(folder.path) : undefined
      return { folder, origins, stand: { folder: folder.path, origins: origins.ports, tls } }
    } catch (error) {
      await origins?.end()
      origins = undefined
      throw error
    } finally {
      if (origins === undefined) folder.remove()
    }
  }

  async #leave(): Promise<void> {
    if (--this.#users > 0) return
    const built = await this.#built?.catch(() => undefined)
    this.#built = undefined
    await built?.origins.end()
    built?.folder.remove()
  }
}

interface Built {
  readonly folder: Folder
  readonly origins: Origins
  readonly stand: Stand
}

function certificateIn(folder: string): Files {
  const files = { cert: join(folder, 'proxy.pem'), key: join(folder, 'proxy.key') }
  makeCertificate(files, 'DNS:api.example.com,IP:127.0.0.1')
  return files
}
