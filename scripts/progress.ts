/** A bar on a terminal; elsewhere nothing. */
export class Progress {
  show(done: number, of: number, what: string): void {
    if (!process.stderr.isTTY) return
    const filled = Math.round((done / of) * 30)
    process.stderr.write(`\r\x1b[K[${'█'.repeat(filled)}${'·'.repeat(30 - filled)}] ${done}/${of} ${what}`)
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
}
