// Command policies enforces NetworkPolicies on one node: the engine of kube-network-policies decides over the first packet
// of each connection from or to a pod that a policy selects, and this program has the kernel hand those packets over.
//
// The engine's own rules are those of nftables, whose expression "queue" not every kernel has. These are iptables', whose
// target NFQUEUE is as old as the queue itself. As with the engine's, what nobody judges is dropped: while this program does
// not run, selected pods get no new connections, and those that they have go on.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/exec"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

const (
	queue = 100
	chain = "NETWORK-POLICIES"
	// Packets pass here after the destination of a Service became a pod, and before the source of any is replaced.
	table, hook = "mangle", "POSTROUTING"
	// One character more than the kernel takes, so that the engine's own rules are refused on every kernel alike.
	noTable = 256
)

// selected returns the IPv4 addresses of the pods of a node that any policy selects, in order.
func selected(node string, policies []*networkingv1.NetworkPolicy, pods []*v1.Pod) ([]string, error) {
	var found []string
	for _, policy := range policies {
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err != nil {
			return nil, fmt.Errorf("NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
		}
		for _, pod := range pods {
			if pod.Spec.NodeName != node || pod.Spec.HostNetwork || pod.Namespace != policy.Namespace || !selector.Matches(labels.Set(pod.Labels)) {
				continue
			}
			for _, address := range pod.Status.PodIPs {
				if !strings.Contains(address.IP, ":") {
					found = append(found, address.IP)
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// rules returns the input of iptables-restore that replaces the chain, in one step.
func rules(addresses []string) string {
	lines := []string{
		"*" + table,
		":" + chain + " - [0:0]",
		"-A " + chain + " -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
		// A node always reaches its own pods: the kubelet's probes, port-forward.
		"-A " + chain + " -m addrtype --src-type LOCAL -j RETURN",
	}
	for _, address := range addresses {
		for _, end := range []string{"-s", "-d"} {
			lines = append(lines, fmt.Sprintf("-A %s %s %s -j NFQUEUE --queue-num %d", chain, end, address, queue))
		}
	}
	return strings.Join(append(lines, "COMMIT", ""), "\n")
}

func run(input string, command ...string) error {
	ready := exec.Command(command[0], command[1:]...)
	ready.Stdin = strings.NewReader(input)
	if said, err := ready.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(string(said)))
	}
	return nil
}

func enforce(ctx context.Context, client kubernetes.Interface, node string) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, policies := factory.Core().V1().Pods(), factory.Networking().V1().NetworkPolicies()
	engine, err := networkpolicy.NewController(
		client, policies, factory.Core().V1().Namespaces(), pods, nil, nil, nil, nil,
		networkpolicy.Config{QueueID: queue, NodeName: node, NFTableName: strings.Repeat("x", noTable)},
	)
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	notice := func() {
		select {
		case changed <- struct{}{}:
		default: // somebody said so already
		}
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { notice() },
			UpdateFunc: func(any, any) { notice() },
			DeleteFunc: func(any) { notice() },
		}); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	notice()
	last := ""
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("the engine ended: %w", err)
		case <-changed:
		}
		known, err := policies.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		there, err := pods.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		addresses, err := selected(node, known, there)
		if err != nil {
			return err
		}
		wanted := rules(addresses)
		if wanted == last {
			continue
		}
		if err := run(wanted, "iptables-restore", "--wait", "--noflush"); err != nil {
			return err
		}
		if last == "" {
			jump := []string{hook, "-j", chain}
			if run("", append([]string{"iptables", "--wait", "-t", table, "-C"}, jump...)...) != nil {
				if err := run("", append([]string{"iptables", "--wait", "-t", table, "-A"}, jump...)...); err != nil {
					return err
				}
			}
		}
		last = wanted
		log.Printf("connections of %d pods are judged: %s", len(addresses), strings.Join(addresses, " "))
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the enforcer's own user")
	node := flag.String("node", "", "name of the node whose pods it is about")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(enforce(context.Background(), client, *node))
}
