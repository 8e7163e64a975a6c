import { whole } from '../leaf.ts'
import { keys } from '../names.ts'
import { ratio } from '../units.ts'
import { agentKnobs } from './enabled.ts'
import { incidentKnobs } from './incidents.ts'

/** Used shares of what an endpoint has, as it says itself, beyond which a comprehensive check does not pass. */
const thresholdsSchema = keys({
  cpu: ratio().prefault('80%').describe('Of its CPU. Default 80%.'),
  memory: ratio().prefault('85%').describe('Of its memory. Default 85%.'),
  disk: ratio().prefault('85%').describe('Of its disks. Default 85%.'),
  network: ratio().prefault('85%').describe('Of its network. Default 85%.'),
})

const certificateDaysSchema = keys({
  warn: whole(0, 3650).prefault(14).describe('Days before its end on which a certificate is late. Default 14.'),
  critical: whole(0, 3650).prefault(3).describe('Days before its end on which it is too late. Default 3.'),
})

export const healthMonitorKnobs = agentKnobs({
  thresholds: thresholdsSchema
    .prefault({})
    .describe('Shares of its resources beyond which an endpoint is not well. Default: see each key.'),
  availability: ratio().prefault('99.9%').describe('The part of its requests that should go well. Default 99.9%.'),
  certificateDays: certificateDaysSchema.prefault({}).describe('When certificates are late. Default: see each key.'),
  ...incidentKnobs,
})
