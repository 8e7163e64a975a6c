import { parseArgs } from 'node:util'
import { type Config, loadConfig } from '../../engine/config/load.ts'
import { routeText } from '../../engine/config/route-text.ts'
import { SignalboxError } from '../../engine/index.ts'
import type { Command } from './command.ts'

export const check: Command = {
  name: 'check',
  usage: 'FILE',
  summary: 'reads a config and says all that is wrong with it',
  details: `
Prints every problem as FILE:LINE:COLUMN: PATH: what is wrong and what is wished, and exits 2;
prints what the config routes and exits 0 when there is none.
`,
  async run(args) {
    const { positionals } = parseArgs({ args, allowPositionals: true })
    if (positionals.length !== 1) {
      process.stderr.write('signalbox check: name one config file: signalbox check FILE\n')
      return 2
    }
    try {
      const config = await loadConfig(positionals[0])
      const services = Object.entries(config.services).map(
        ([name, service]) =>
          `${name} (${service.policy.name}, ${service.endpoints.length} ${service.endpoints.length === 1 ? 'endpoint' : 'endpoints'})`,
      )
      process.stdout.write(`${positionals[0]}: ok: ${services.join(', ')}\n${routeLines(config)}`)
      return 0
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      process.stderr.write(`${error.message}\n`)
      return 2
    }
  },
}

/** A line for each route; none where all goes to the only service. */
function routeLines({ routes, services }: Config): string {
  const lines = routes.map(
    (route, index) => `  routes[${index}]${route.name === undefined ? '' : ` (${route.name})`}: ${routeText(route)}\n`,
  )
  return lines.join('') === `  routes[0]: everything → ${Object.keys(services)[0]}\n` ? '' : lines.join('')
}
