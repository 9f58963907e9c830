#!/usr/bin/env bash
# Everything that docs/BENCHMARKS.md, "On a card", says of a card, in one go and within a time.
#
#   benches/peers/card.sh BIN OUT [MINUTES]
#
# BIN holds the programs `peers` and `pyrogen`, built with `--features vulkan,cuda` (or `wgpu` alone), and OUT gets what is
# found. PYTHON names a Python with PyTorch (python3), MNIST and CIFAR folders of these data sets, STEPS the steps of a
# training on MNIST (200), SIDES ours (cuda wgpu), PEERS PyTorch's kinds (f32 tf32 bf16 compiled), DEVICE PyTorch's device
# (cuda), ROWS and LARGEST the rows. What a variable leaves empty is not run.
#
# Kernels are chosen on the first step of each size, which takes minutes on one core: so all rows choose theirs at once
# first, and are timed one after the other afterwards. Choices stay on disk.
set -u
here="$(cd "$(dirname "$0")" && pwd)"
bin="$(realpath "$1")"; mkdir -p "$2"; out="$(realpath "$2")"; minutes="${3:-14}"
python="${PYTHON:-python3}"; sides="${SIDES-cuda wgpu}"; peers="${PEERS-f32 tf32 bf16 compiled}"; device="${DEVICE:-cuda}"
rows="${ROWS-vae:4096;conv_vae:1024,32,64;dcgan:512,64;diffusion_train:128,32,64;diffusion_sample:64,32,64;language_train:4,12,768;language_write:16,12,768}"
largest="${LARGEST-language_train:{\},12,768=4;diffusion_train:{\},32,64=128}"
steps="${STEPS:-200}"
export CUBECL_AUTOTUNE_LEVEL="${CUBECL_AUTOTUNE_LEVEL:-minimal}"
# Paths are those of the folder that this is called from.
[ -z "${MNIST-}" ] || MNIST="$(realpath "$MNIST")"
[ -z "${CIFAR-}" ] || CIFAR="$(realpath "$CIFAR")"
cd "$out" || exit 1
printf '[compilation]\ncache = true\n' > cubecl.toml

left() { echo $((minutes * 60 - SECONDS)); }
step() { printf '== %s: %s s left\n' "$1" "$(left)" | tee -a log.txt; }
# A command with a limit of its own, and no longer than what is left.
within() { local most=$1; shift; local have; have=$(left); [ "$have" -gt 5 ] && timeout -k 10 $((have < most ? have : most)) "$@"; }

step "kernels of all rows"
IFS=';' read -ra list <<< "$rows"
for side in $sides; do
    for row in "${list[@]}"; do
        (printf 'run 1\n' | PYROGEN_BENCH_DEVICE=$side within $((minutes * 20)) "$bin/peers" serve "$row" 1 \
            > "first-$side-${row%%:*}.txt" 2>&1; echo "$row $side rc $? at $SECONDS s" >> first.txt) &
    done
done
wait

step "times"
kinds=""
for side in $sides; do kinds+=",ours $side"; done
for kind in $peers; do kinds+=",torch $kind"; done
within $((minutes * 25)) "$python" "$here/peers.py" --device "$device" --binary "$bin/peers" --rows "$rows" --sides "${kinds#,}" \
    --json times.json > times.txt 2>> log.txt

step "largest batches"
[ -z "$largest" ] || within $((minutes * 8)) "$python" "$here/largest.py" --device "$device" --binary "$bin/peers" \
    --rows "$largest" --sides "${kinds#,}" --limit 40 > largest.txt 2>> log.txt

# Whether a run that is cut and goes on ends as the one that was not; one seed draws the same on the card and on the CPU.
for side in $sides; do
    [ -n "${MNIST-}" ] || continue
    for family in vae gan diffusion; do
        step "$family on MNIST by $side"
        train() { # SECONDS FOLDER OPTIONS
            within "$1" "$bin/pyrogen" train "$family" --data "mnist:$MNIST" --device "$side" --seed 1 --no-evaluate \
                --steps "$steps" --out "$2" "${@:3}" >> log.txt 2>&1
        }
        # The second run is interrupted half-way, saves its state, and goes on.
        before=$SECONDS; done=no
        if train 60 "$side-$family"; then
            half=$(((SECONDS - before + 1) / 2))
            train "$half" "$side-$family-cut" || train 60 "$side-$family-cut" --resume && done=yes
        fi
        if [ $done = no ]; then
            echo "$side $family: not trained within the time" >> resumed.txt
        elif cmp -s "$side-$family/model/model.safetensors" "$side-$family-cut/model/model.safetensors"; then
            echo "$side $family: the same bytes" >> resumed.txt
        else
            echo "$side $family: other bytes" >> resumed.txt
        fi
        for where in "$side" flex; do
            within 30 "$bin/pyrogen" sample "$side-$family" -n 16 --seed 3 --device "$where" --out "$side-$family-$where.npy" >> log.txt 2>&1
        done
    done
done

for side in $sides; do
    [ -n "${CIFAR-}" ] || continue
    step "CIFAR-10 by $side"
    within $((minutes * 12)) "$bin/pyrogen" train diffusion --data "cifar:$CIFAR" --device "$side" --out "cifar-$side" --seed 1 \
        --set train.batch_size=128 --no-evaluate > "cifar-$side.txt" 2>&1
done
step "end"
