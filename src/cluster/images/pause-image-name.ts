/** The name under which the engine looks for the image of every sandbox, as kubeadm has it. */
export const pauseImageName = 'registry.k8s.io/pause:3.10';
