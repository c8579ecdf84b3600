/** Where a cluster's Corefile is. */
export const corefileMap = { namespace: 'kube-system', name: 'coredns', key: 'Corefile' };

/** The Corefile that a new cluster has. @source kubeadm phases/addons/dns, v1.35 */
export function defaultCorefile(domain: string): string {
  return `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${domain} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success ${domain}
       disable denial ${domain}
    }
    loop
    reload
    loadbalance
}
`;
}
