import { type Box, type Log, type ReloadReport, SignalboxError } from '../engine/index.ts'

/** Has a box read its file anew, and says in the log what came of it. */
export class Reloader {
  readonly #box: Box
  readonly #file: string
  readonly #log: Log

  constructor(box: Box, file: string, log: Log) {
    this.#box = box
    this.#file = file
    this.#log = log
  }

  /** Rejects as box.reload does. */
  async reload(because: string): Promise<ReloadReport> {
    try {
      const report = await this.#box.reload(this.#file)
      this.#log('info', report.isChanged ? 'config reloaded' : 'config reloaded, it says what it said', {
        because,
        generation: report.generation,
        ...(report.isChanged && countsOf(report)),
      })
      return report
    } catch (error) {
      const isKnown = error instanceof SignalboxError
      this.#log('error', 'config not reloaded, the running one stays', {
        because,
        code: isKnown ? error.code : undefined,
        problems: (isKnown ? error.message : String(error)).split('\n'),
      })
      throw error
    }
  }

  /** The same for who cannot do anything about it. */
  reloadQuietly(because: string): void {
    this.reload(because).catch(() => {})
  }
}

function countsOf({ changes: { services, endpoints, keys } }: ReloadReport): Record<string, unknown> {
  const { added, removed, changed } = services
  return { services: { added: added.length, removed: removed.length, changed: changed.length }, endpoints, keys }
}
