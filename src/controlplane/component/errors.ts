/** Why a component that runs by itself cannot start or go on; the message says what to do. */
export class ComponentError extends Error {
  override readonly name = 'ComponentError';
}
