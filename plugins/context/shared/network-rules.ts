import type { Rule } from './rules.js'

/** Where traffic goes and where it may not. */
export const NETWORK_RULES: readonly Rule[] = [
  {
    paths: [
      'nginx*.conf', 'nginx/', 'haproxy*.cfg', 'traefik*.y*ml', 'traefik*.toml', 'envoy*.y*ml', 'caddyfile*', 'httpd*.conf',
      'apache*.conf', '*.vcl', 'squid.conf'
    ],
    score: 0.95,
    reason: 'proxy or web server'
  },
  {
    paths: [
      '*network*.tf', '*vpc*.tf', '*subnet*.tf', '*security_group*.tf', '*security-group*.tf', '*firewall*', '*dns*.tf',
      '*load_balancer*.tf', '*ingress*.y*ml', '*networkpolicy*.y*ml', '*network-policy*.y*ml', '*gateway*.y*ml',
      '*virtualservice*.y*ml', 'istio/*.y*ml', '*.zone', 'coredns*', 'dnsmasq.conf', 'iptables*', 'wireguard*', 'networks/*.y*ml'
    ],
    kinds: ['configuration', 'other'],
    score: 0.95,
    reason: 'network'
  },
  {
    paths: ['docker-compose*.y*ml', 'compose.y*ml', '*service*.y*ml'],
    content: /^[ \t]*networks:|^[ \t]*ports:|kind:\s*(?:Service|Ingress)\b/m,
    score: 0.7,
    reason: 'opens ports'
  }
]
