#!/usr/bin/env bash
# `demoloom gail --toy`: the same bytes on any number of threads, after Ctrl-C and after kill -9, for each discriminator;
# several seeds; what is told; and what is refused. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
small=(--batch 16 --generator 16,16 --hidden 16,16 --samples 500 --looked 300 --every 40 -n 120)

. tests/tools/same_bytes.sh
same_bytes bce 'last.safetensors config.yaml' "$loom" gail --toy ring --pack 4 "${small[@]}"
same_bytes wgan 'last.safetensors config.yaml' "$loom" gail --toy grid --discriminator wgan --critic-steps 2 "${small[@]}"
same_bytes spectral 'last.safetensors config.yaml' "$loom" gail --toy ring --discriminator wgan --spectral --critic-steps 2 "${small[@]}"
check 'samples' cmp -n 4 "$work/bce-a/samples.png" <(printf '\211PNG')
check 'curves' cmp -n 4 "$work/bce-a/curves.png" <(printf '\211PNG')
for tag in modes/recovered modes/quality modes/reverse_kl discriminator/expert_accuracy discriminator/policy_accuracy \
  discriminator/entropy discriminator/wasserstein; do
  check "$tag is logged" grep -q "^120,$tag," "$work/bce-a/scalars.csv"
done

# Several seeds are each what they are alone.
several=("$loom" gail --toy ring --pack 2 "${small[@]}" --seeds 3,5)
check 'seeds' "${several[@]}" -j 2 -o "$work/several"
check 'one of them' "$loom" gail --toy ring --pack 2 "${small[@]}" --seed 5 -o "$work/alone"
check 'the same' cmp "$work/several/seed-5/last.safetensors" "$work/alone/last.safetensors"
check 'not the other' differ "$work/several/seed-3/last.safetensors" "$work/alone/last.safetensors"
check 'samples of both' cmp -n 4 "$work/several/samples.png" <(printf '\211PNG')
check 'done already' "${several[@]}" -o "$work/several" --resume
expect 'their mean' 0 '^mean of 2: [0-9.]* of 8 modes' "${several[@]}"
json() { "${several[@]}" --json | tr -d '\t\n'; }
expect 'as JSON' 0 '"runs":\[\{"seed":3,"step":120,"modes":[0-8],.*"counts":\[([0-9]+, ?){7}[0-9]+\]\}, ?\{"seed":5,.*"reverse_kl":' json
check 'nothing that time decides' cmp <(json) <(json)

# A discriminator that is always right is warned of.
expect 'it has won' 0 'warning: seed 1: at step [0-9]+ the discriminator had been right .* for 20 rounds' \
  "$loom" gail --toy ring "${small[@]}" --critic-steps 20 --rate 1e-6
expect 'linear: what it is' 0 'of 8 modes' "$loom" gail --toy ring --discriminator linear "${small[@]}"

# What absorbing states are for.
expect 'a corridor is finished' 0 '^4\.[0-4][0-9]* steps' "$loom" gail corridor --seed 35403
expect 'or not' 0 '"steps":.(4[0-9]|50)' "$loom" gail corridor --seed 35403 --absorbing off --reward gail --json

# ---- refused

expect 'no such reward' 2 'reward' "$loom" gail corridor --reward best
expect 'no rounds' 2 'rounds' "$loom" gail corridor --rounds 0
expect 'goals' 0 '"runs":' "$loom" gail goals -n 4096 --looked 20 --seeds 1,2 --json
expect 'goals: their mean' 0 '^mean of 2: ' "$loom" gail goals -n 4096 --looked 20 --seeds 1,2
expect 'no pack at all' 2 'pack' "$loom" gail goals --pack 0
expect 'goals of what' 2 'no arguments but options' "$loom" gail goals handover
expect 'a corridor of what' 2 'no arguments but options' "$loom" gail corridor handover

expect 'no toy' 2 'which toy' "$loom" gail
expect 'no such toy' 2 'ring' "$loom" gail --toy square
expect 'a task and a toy' 2 'a toy takes no arguments but options' "$loom" gail handover --toy ring
expect 'a pack too large' 2 'from 1 to 16' "$loom" gail --toy ring --pack 17
expect 'a critic that nothing holds' 2 'takes a gradient penalty above 0, or spectral' "$loom" gail --toy ring --discriminator wgan --penalty 0
expect 'linear with a penalty' 2 'a linear discriminator has no' "$loom" gail --toy ring --discriminator linear --penalty 1
expect 'a folder with a run' 2 'holds a run already' "$loom" gail --toy ring "${small[@]}" -o "$work/alone"
expect 'another run of that folder' 2 "'pack: 2' there, 'pack: 1' now" "$loom" gail --toy ring "${small[@]}" --seed 5 -o "$work/alone" --resume
expect 'resume nothing' 2 'are of a folder' "$loom" gail --toy ring --resume
close_tests
