#!/usr/bin/env python3
"""Compute losses of PPO and TD3 and their gradients with PyTorch 2.15.0 for tests/policies/network/test_rl_pytorch.c.

Make the environment as tests/golden/make_nn_golden.py says. Run:
    ENV/bin/python tests/golden/make_rl_golden.py
It writes rl_cases.json beside itself. The formulas are those of CleanRL's ppo_continuous_action.py and
td3_continuous_action.py, written here anew. Inputs are rounded to single precision and PyTorch then computes in
double. Parameters are flat, in the order our networks declare them. A second run gives the same bytes.
"""

import json
import os

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal

torch.manual_seed(2)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
cases = {}
N, OBS, ACTIONS, HIDDEN = 24, 5, 3, 8


def draw(*shape, scale=1.0):
    return (scale * torch.randn(*shape)).float().double()


def store(case, **arrays):
    cases.setdefault(case, {}).update(
        {k: [float("%.9g" % x) for x in torch.as_tensor(v).detach().reshape(-1).tolist()] for k, v in arrays.items()}
    )


def mlp(inputs, outputs, activation):
    net = nn.Sequential(
        nn.Linear(inputs, HIDDEN), activation(), nn.Linear(HIDDEN, HIDDEN), activation(), nn.Linear(HIDDEN, outputs)
    )
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(draw(*p.shape, scale=0.5))
    return net


def flat(parameters, gradient=False):
    return torch.cat([(p.grad if gradient else p).detach().reshape(-1) for p in parameters])


def ppo(case, clip, value_clip, value_weight, entropy_weight, normalize):
    critic, actor = mlp(OBS, 1, nn.Tanh), mlp(OBS, ACTIONS, nn.Tanh)
    log_std = nn.Parameter(draw(1, ACTIONS, scale=0.3))
    parameters = [*critic.parameters(), *actor.parameters(), log_std]
    obs, action = draw(N, OBS), draw(N, ACTIONS)
    old_value, advantage, returns = draw(N), draw(N), draw(N)

    def log_prob_of():
        normal = Normal(actor(obs), log_std.exp().expand(N, ACTIONS))
        return normal.log_prob(action).sum(1), normal.entropy().sum(1)

    log_prob, entropy = log_prob_of()
    # Some ratios are within the bounds, some beyond.
    old_log_prob = (log_prob.detach() + draw(N, scale=0.25)).float().double()
    store(case, value=flat(parameters), obs=obs, action=action, old_log_prob=old_log_prob, old_value=old_value,
          advantage=advantage, returns=returns)

    log_ratio = log_prob - old_log_prob
    ratio = log_ratio.exp()
    a = (advantage - advantage.mean()) / (advantage.std() + 1e-8) if normalize else advantage
    policy = torch.max(-a * ratio, -a * torch.clamp(ratio, 1 - clip, 1 + clip)).mean()
    value = critic(obs).view(-1)
    square = (value - returns) ** 2
    if value_clip:
        held = old_value + torch.clamp(value - old_value, -clip, clip)
        square = torch.max(square, (held - returns) ** 2)
    value_loss = 0.5 * square.mean()
    loss = policy - entropy_weight * entropy.mean() + value_weight * value_loss

    optimizer = torch.optim.Adam(parameters, lr=3e-4, eps=1e-5)
    loss.backward()
    store(case, policy=policy, value_loss=value_loss, entropy=entropy.mean(), kl=((ratio - 1) - log_ratio).mean(),
          clipped=((ratio - 1).abs() > clip).double().mean(), loss=loss, dvalue=flat(parameters, True))
    nn.utils.clip_grad_norm_(parameters, 0.5)
    optimizer.step()
    store(case, stepped=flat(parameters))


def td3():
    actor, slow_actor = mlp(OBS, ACTIONS, nn.ReLU), mlp(OBS, ACTIONS, nn.ReLU)
    critics = [mlp(OBS + ACTIONS, 1, nn.ReLU) for _ in range(2)]
    slow = [mlp(OBS + ACTIONS, 1, nn.ReLU) for _ in range(2)]
    obs, action, nexts = draw(N, OBS), torch.tanh(draw(N, ACTIONS)).float().double(), draw(N, OBS)
    reward, noise = draw(N), torch.clamp(draw(N, ACTIONS, scale=0.2), -0.5, 0.5)
    discount = torch.where(torch.arange(N) % 5 == 0, 0.0, 0.99).float().double()
    both = [p for c in critics for p in c.parameters()]
    store("td3", actor=flat(actor.parameters()), slow_actor=flat(slow_actor.parameters()), critics=flat(both),
          slow_critics=flat([p for c in slow for p in c.parameters()]), obs=obs, action=action, next=nexts,
          reward=reward, noise=noise, discount=discount)

    with torch.no_grad():
        next_action = torch.clamp(torch.tanh(slow_actor(nexts)) + noise, -1, 1)
        least = torch.min(*[c(torch.cat([nexts, next_action], 1)).view(-1) for c in slow])
        target = reward + discount * least
    loss = sum(F.mse_loss(c(torch.cat([obs, action], 1)).view(-1), target) for c in critics)
    loss.backward()
    store("td3", target=target, critic_loss=loss, dcritics=flat(both, True))

    actor_loss = -critics[0](torch.cat([obs, torch.tanh(actor(obs))], 1)).mean()
    actor_loss.backward()
    store("td3", actor_loss=actor_loss, dactor=flat(actor.parameters(), True))
    tau = 0.005
    store("td3", followed=torch.cat([tau * p.reshape(-1) + (1 - tau) * s.reshape(-1)
                                     for p, s in zip(actor.parameters(), slow_actor.parameters())]))


ppo("ppo", 0.2, True, 0.5, 0.0, True)
ppo("ppo_plain", 0.1, False, 0.58, 0.01, False)
td3()
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "rl_cases.json"), "w") as f:
    json.dump(cases, f, separators=(",", ":"))
    f.write("\n")
