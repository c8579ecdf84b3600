/** The door of the controller manager as a process of its own. */
export {
  controllerManagerFlags,
  controllerManagerFlagSyntax,
  type ControllerManagerFlagValues,
  localControllerManagerFaults,
  readControllerManagerFlags,
} from './flags.ts';
export { type ControllerManagerConfig, runControllerManager } from './run.ts';
