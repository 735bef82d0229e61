#!/usr/bin/env bash
# `demoloom observe`: from demos without actions the same bytes on any number of threads, after Ctrl-C and after kill -9;
# held-out demos are told apart better than by what is not trained or learned in a random order; `finetune --reward` takes
# what was learned; and what is refused. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
mkdir -p "$work/scenes/own" && cp tests/own/{task.yaml,scene.xml} "$work/scenes/own" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
# Hands that can be seen, and a second camera.
sed -i 's|<site name="grip\([01]\)".*|&<geom type="sphere" size="0.06" rgba="\1 0.2 0.5 1" contype="0" conaffinity="0" mass="0.0001"/>|
  s|<camera name="front".*|<camera name="front" pos="0.8 0 0.6" xyaxes="0 1 0 -0.5 0 0.8" fovy="60"/><camera name="left" pos="0.5 -0.7 0.7" xyaxes="0.8 0.55 0 -0.3 0.45 0.85" fovy="60"/>|' \
  "$work/scenes/own/scene.xml"
"$loom" record own -n 4 --seed 1 -o "$work/base.hdf5" >"$work/log" 2>&1 || cat "$work/log"
"$loom" generate own --source "$work/base.hdf5" -n 12 --seed 1 -t 1 -o "$work/gen.hdf5" >"$work/log" 2>&1 || cat "$work/log"
gen=$work/gen.hdf5

. tests/tools/same_bytes.sh
made='last.safetensors encoder.safetensors alignment.csv reward.yaml config.yaml distance.png'
same_bytes objects "$made" "$loom" observe "$gen" -n 300 --every 60 --json

# number KEY FILE: the first number of that name in a line of JSON.
number() { sed "s/.*\"$1\":\([-0-9.e]*\).*/\1/; q" <(grep -o "\"$1\":[-0-9.e]*" "$2" | head -n 1); }
inside() { sed "s/.*\"$1\":{\([^}]*\)}.*/\1/" "$work/objects.said" >"$work/part" && number "$2" "$work/part"; }
over() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }
said=$work/objects.said
check 'tau of demos kept aside' over "$(number tau "$said")" 0.9
check 'the untrained one is worse' over "$(number tau "$said")" "$(inside untrained tau)"
check 'what is seen as it is, too' over "$(number tau "$said")" "$(inside plain tau)"
check 'reward rises with time' over "$(number progress "$said")" 0.9
check 'a line of JSON' test "$(grep -c . <(tail -n 1 "$said"))" = 1
check 'the table' grep -qE '^learned,0\.[0-9]+,' "$work/objects-a/alignment.csv"
for picture in distance curves; do check "$picture.png" cmp -n 4 "$work/objects-a/$picture.png" <(printf '\211PNG'); done
check 'as text' "$loom" observe "$gen" -n 20 -j 1 -o "$work/text"

# The control: rows in a random order teach no reward.
check 'shuffled' eval '"$loom" observe "$gen" -n 300 --shuffled -j 1 --json -o "$work/shuffled" >"$work/shuffled.said"'
check 'its reward is worse' over 0.6 "$(number progress "$work/shuffled.said")"
seeds() { "$loom" observe "$gen" -n 20 -s 2 -j 1 -o "$work/seed" && differ "$work/seed/encoder.safetensors" "$work/text/encoder.safetensors"; }
check 'another seed is another run' seeds

# ---- of pictures

seen=$work/seen.hdf5
"$loom" render "$gen" --obs "$seen" --size 16x16 --camera front --camera left >"$work/log" 2>&1 || cat "$work/log"
made='last.safetensors translator.safetensors translation.csv reward.yaml config.yaml translation.png'
same_bytes translate "$made" "$loom" observe "$seen" --method translate -n 60 --every 12 --batch 4 --json
check 'translate: learned' eval '"$loom" observe "$seen" --method translate -n 500 --batch 8 -j 1 --json -o "$work/translated" >"$work/translated.said"'
said=$work/translated.said
check 'a translation is nearer than the picture here' over "$(number copied "$said")" "$(awk -v x="$(number translated "$said")" 'BEGIN { print 2 * x }')"
check 'than the mean' over "$(number mean "$said")" "$(number translated "$said")"
check 'than the first picture there' over "$(number first "$said")" "$(number translated "$said")"
for ablation in feature image translation; do
  check "without $ablation" "$loom" observe "$seen" --method translate --ablate $ablation -n 10 --batch 4 -j 1 -o "$work/without-$ablation"
  check "without $ablation: differs" differ "$work/without-$ablation/translator.safetensors" "$work/translate-a/translator.safetensors"
done
# Pairs of any two demos, whose states differ: one camera is enough. A goal: pictures of how demos end, as they are.
for pairs in same any; do
  check "pairs: $pairs" eval '"$loom" observe "$seen" --method translate --pairs '$pairs' --sources 2 -n 10 --batch 4 -j 1 -o "$work/'$pairs'"'
done
check 'are something else' differ "$work/same/translator.safetensors" "$work/any/translator.safetensors"
check 'a goal' "$loom" observe "$seen" --method translate -k front_image --pairs any --ablate goal -n 1 --batch 4 -j 1 -o "$work/goal"
check 'is a picture of each demo' eval 'test $(stat -c %s "$work/goal/translator.safetensors") -lt $(stat -c %s "$work/any/translator.safetensors")'
small=(--batch 4 --frames 8 --channels 4,8 --features 8 --hidden 16 --out 8)
made='last.safetensors encoder.safetensors alignment.csv distance.png'
same_bytes tcc "$made" "$loom" observe "$seen" --method tcc -n 12 --every 3 "${small[@]}"
same_bytes tcn "$made" "$loom" observe "$seen" --method tcn -n 12 --every 3 "${small[@]}"
check 'tinted' "$loom" observe "$seen" --method tcn --tint 0.3 -n 12 "${small[@]}" -j 1 -o "$work/tinted"
check 'learns otherwise' differ "$work/tinted/encoder.safetensors" "$work/tcn-a/encoder.safetensors"
check 'triplets' "$loom" observe "$seen" --method tcn --contrast triplets -n 12 "${small[@]}" -j 1 -o "$work/triplets"
check 'are something else' differ "$work/triplets/encoder.safetensors" "$work/tcn-a/encoder.safetensors"

# Moments are told apart from another camera, by a thousandth of a picture's numbers.
check 'tcn: learned' eval '"$loom" observe "$seen" --method tcn --frames 16 --channels 8,16 --features 16 --hidden 32 --out 16 -n 150 -j 1 \
  --json -o "$work/moments" >"$work/moments.said"'
said=$work/moments.said
check 'tau between cameras' over "$(number tau "$said")" 0.3
check 'what is seen as it is, is worse' over 0.2 "$(sed 's/.*"plain":{"tau":\([-0-9.e]*\).*/\1/' "$said")"

# Demos of another file, of which nothing was learned, also once a run is done.
"$loom" dataset filter "$seen" "$work/some.hdf5" --demos demo_0,demo_1,demo_2 >"$work/log" 2>&1 || cat "$work/log"
tcn=("$loom" observe "$seen" --method tcn -n 12 --every 3 "${small[@]}" -j 1)
check 'measured as well' "${tcn[@]}" --measure "$work/some.hdf5" -o "$work/tcn-b"
check 'in the table' grep -qE '^learned,[-0-9.,]+,"'"$work"'/some.hdf5"$' "$work/tcn-b/alignment.csv"
check 'that changes nothing else' cmp "$work/tcn-a/encoder.safetensors" "$work/tcn-b/encoder.safetensors"
cp "$work/tcn-b/alignment.csv" "$work/table.csv"
check 'afterwards' "${tcn[@]}" --resume --measure "$work/some.hdf5" -o "$work/tcn-a"
check 'the same table' cmp "$work/table.csv" "$work/tcn-a/alignment.csv"
expect 'translate measures nothing else' 2 'translate measures no other' "$loom" observe "$seen" --method translate --measure "$seen" -o "$work/x"

# ---- as a reward

check 'a policy' "$loom" train --data "$gen" --task own -p bc_gmm --hidden 32 --epochs 1 --steps 150 --rollouts 1 -j 1 -o "$work/policy"
tune() { "$loom" finetune "$work/policy/last.safetensors" --task own --reward "$1" -n "${steps:-400}" --evaluate 0 --eval 0 -j 1 -o "$2" "${@:3}"; }
check 'finetune takes it' tune "$work/objects-a/reward.yaml" "$work/tuned"
check 'it learned by it' test -e "$work/tuned/last.safetensors"
other() { tune "$work/shuffled/reward.yaml" "$work/tuned2" && ! cmp -s <(tail -c 20000 "$work/tuned/last.safetensors") <(tail -c 20000 "$work/tuned2/last.safetensors"); }
check 'by another reward something else' other
cp -r "$work/objects-a" "$work/moved"
check 'the folder may be moved' tune "$work/moved/reward.yaml" "$work/tuned3"
# Its path stands in the file's head.
check 'with the same reward' cmp <(tail -c 20000 "$work/tuned/last.safetensors") <(tail -c 20000 "$work/tuned3/last.safetensors")
cp "$work/shuffled/encoder.safetensors" "$work/moved/encoder.safetensors"
expect 'another file in its place is another run' 2 'its task was another' tune "$work/moved/reward.yaml" "$work/tuned3" --resume

for method in translate tcn; do
  steps=100 check "finetune takes what $method learned" tune "$work/$method-a/reward.yaml" "$work/tuned-$method"
done

reward() { printf -- "- {term: embedding, file: $1}\n" >"$work/moved/r.yaml"; }
refused() { # NAME FILE PATTERN
  reward "$2"
  expect "$1" 1 "$3" tune "$work/moved/r.yaml" "$work/x"
  rm -rf "$work/x"
}
refused 'a file elsewhere' '../objects-a/encoder.safetensors' "r.yaml:1: key 'file': .*below the folder"
refused 'by its whole path' "$work/objects-a/encoder.safetensors" 'below the folder'
ln -s "$work/objects-a/encoder.safetensors" "$work/moved/link.safetensors"
refused 'by a link' link.safetensors 'leads to .*objects-a.*outside of'
refused 'no such file' none.safetensors 'none.safetensors'
refused 'a checkpoint' last.safetensors 'last.safetensors: what is watched is missing'
head -c 3000 "$work/moved/encoder.safetensors" >"$work/moved/cut.safetensors"
refused 'a file cut short' cut.safetensors 'cut.safetensors'
printf -- '- {term: embedding}\n' >"$work/moved/r.yaml"
expect 'no file' 1 "key 'file'" tune "$work/moved/r.yaml" "$work/x"
printf -- '- {term: time, file: encoder.safetensors}\n' >"$work/moved/r.yaml"
expect 'a file for another term' 1 "means nothing for 'time'" tune "$work/moved/r.yaml" "$work/x"
sed 's/^success_hold:/reward: [{term: embedding, file: x.safetensors}]\nsuccess_hold:/' tests/own/task.yaml >"$work/task.yaml"
cp tests/own/scene.xml "$work/"
expect 'in a task' 1 "task.yaml:[0-9]+: 'embedding' is for reward files" "$loom" finetune "$work/policy/last.safetensors" --task "$work/task.yaml" \
  -n 100 --evaluate 0 --eval 0 -j 1 -o "$work/x"
rm -rf "$work/x"

# ---- refused

watch=("$loom" observe "$gen" -n 10 -j 1)
expect 'no dataset' 2 'one dataset' "$loom" observe -o "$work/x"
expect 'no folder' 2 'takes -o' "$loom" observe "$gen"
expect 'no such method' 2 'objects' "${watch[@]}" --method xirl -o "$work/x"
expect 'no such file' 1 'none.hdf5' "$loom" observe "$work/none.hdf5" -o "$work/x"
expect 'no such object' 1 "no observation 'spoon@world'.*box" "${watch[@]}" -k spoon@world -o "$work/x"
expect 'neither a pose nor a picture' 1 "'object' is neither a pose .* nor a picture" "${watch[@]}" -k object -o "$work/x"
expect 'too few demos' 1 '3 demos, of which 2 are kept aside' "${watch[@]}" --demos 3 -o "$work/x"
expect 'no pictures' 1 'holds no pictures; .demoloom render' "${watch[@]}" --method tcc -o "$work/x"
"$loom" render "$gen" --obs "$work/one.hdf5" --size 16x16 --camera front >"$work/log" 2>&1 || cat "$work/log"
expect 'tcn of one camera' 1 "pictures of one camera, 'front_image', where tcn needs two" "$loom" observe "$work/one.hdf5" --method tcn -o "$work/x"
expect 'translate of one camera' 1 'no states are seen in two contexts' "$loom" observe "$work/one.hdf5" --method translate -o "$work/x"
"$loom" render "$gen" --obs "$work/odd.hdf5" --size 40x24 --camera front --camera left >"$work/log" 2>&1 || cat "$work/log"
expect 'another size to measure' 1 "odd.hdf5: pictures of other sizes" "${tcn[@]}" --measure "$work/odd.hdf5" -o "$work/x"
expect 'sides that cannot be halved' 2 'pictures of 40 x 24 cannot be translated' "$loom" observe "$work/odd.hdf5" --method translate -o "$work/x"
expect 'a pose among pictures' 2 'watches pictures alone' "$loom" observe "$seen" --method tcc -k box@world -k front_image -o "$work/x"
expect 'nothing moves' 1 'demo_0: nothing that is watched moves' "${watch[@]}" --still 5 -o "$work/x"
expect 'a folder with a run' 2 'holds a run already' "${watch[@]}" -o "$work/text"
expect 'another run of that folder' 2 "'steps: 20' there, 'steps: 10' now" "${watch[@]}" -o "$work/text" --resume
check 'nothing was learned' test ! -e "$work/x"
expect 'a dataset without objects' 1 'holds no poses of objects' "$loom" observe "$work/base.hdf5" -o "$work/x"
close_tests
