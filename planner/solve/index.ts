export { KNOBS, type KnobName } from './knob.ts'
export { type Maximum, maximize, type Place } from './maximize.ts'
