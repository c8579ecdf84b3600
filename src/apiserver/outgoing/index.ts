/** The door to what the API server asks of others over the network: webhooks and issuers of tokens. */
export { HttpsClient, type HttpsAnswer, type HttpsClientOptions, OutgoingError } from './https-client.ts';
export { readWebhookConfig, WebhookClient } from './webhook-client.ts';
