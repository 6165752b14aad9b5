"""What the viewer says of a change: what is explained, by how much, and what speaks for and against it."""

from __future__ import annotations

import torch
from helpers.browser.fixtures import Show
from helpers.browser.pages import go_to
from playwright.sync_api import expect
from torch import nn

import heapwidget as hw


def test_a_class_against_the_rest_is_told(show: Show) -> None:
    net = nn.Linear(6, 2)
    net.weight.data.copy_(torch.tensor([[1.0, 0, 0, -4.0, 0, 0], [0.0] * 6]))
    net.bias.data.copy_(torch.tensor([9.0, 0.0]))
    x = torch.tensor([[0.9, 0.1, 0.4, 0.8, 0.3, 0.6]])
    e = hw.attribute(net, x, baseline=0, class_names=["seven", "one"], progress=False)
    page = show(e)
    expect(page.locator(".hw-target")).to_have_text("seven rather than one")
    expect(page.locator(".hw-summary")).to_contain_text("margin 6.7, 2.3 less than at baseline 0 (9) · relevance")
    first = e.trace.phase_start("collect")
    go_to(page, first + 1)
    expect(page.get_by_role("status")).to_contain_text("it speaks for seven rather than one")
    go_to(page, first + 2)
    expect(page.get_by_role("status")).to_contain_text("from here on it speaks against seven rather than one")
