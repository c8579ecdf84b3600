/** The door of the node agent. */
export { type AgentConfig, startAgent } from './agent.ts';
