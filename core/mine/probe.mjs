// Makes Node understand TypeScript, then runs probe.ts.
import { register } from 'tsx/esm/api'

register({ tsconfig: false })
await import('./probe.ts')
