"""The variational autoencoder: encoder, code, decoder, and the vector that stands for no code."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from molvae.nn.decoder import Decoder
from molvae.nn.elbo import Elbo, elbo, nats
from molvae.nn.encoder import Encoder
from molvae.nn.sampling import Truncation

_BY_ID = ("encoder.embed.weight", "decoder.embed.weight", "decoder.to_logits.weight", "decoder.to_logits.bias")  # a row a token id


@dataclass(frozen=True)
class Sizes:
    """Sizes of a VAE, all that is needed to build it.

    Attributes:
        vocabulary: number of token ids, the two special ones included.
        latent_size: dimensions of the code.
        latent: "gaussian" for a VAE, "deterministic" for a plain autoencoder.
        embedding: width of a token's embedding.
        encoder_hidden: width of each direction of the encoder.
        encoder_layers: GRU layers of the encoder.
        decoder_hidden: width of the decoder.
        decoder_layers: GRU layers of the decoder.
        second_face: the decoder also writes without a code.
    """

    vocabulary: int
    latent_size: int = 32
    latent: str = "gaussian"
    embedding: int = 128
    encoder_hidden: int = 256
    encoder_layers: int = 1
    decoder_hidden: int = 512
    decoder_layers: int = 1
    second_face: bool = False


class VAE(nn.Module):
    """q(z|x) and p(x|z) over sequences of token ids, and p(x) by the same decoder.

    The decoder may have two faces: it writes from a code z, and where `no_code` stands in place of the code it is a language model,
    p(x) = p(x | no_code). Drawing x0 from that and then z from q(z|x0) is an exact draw from the codes of what the model writes.

    Args:
        sizes: see `Sizes`.
        bos: id that starts every sequence.
        eos: id that ends every sequence.
    """

    def __init__(self, sizes: Sizes, bos: int = 0, eos: int = 1) -> None:
        super().__init__()
        self.sizes, self.bos, self.eos = sizes, bos, eos
        s = sizes
        if s.latent not in ("gaussian", "deterministic"):
            raise ValueError(f"latent is {s.latent!r}, expected 'gaussian' or 'deterministic'")
        point = s.latent == "deterministic"
        self.encoder = Encoder(s.vocabulary, s.embedding, s.encoder_hidden, s.encoder_layers, s.latent_size, point)
        self.decoder = Decoder(s.vocabulary, s.embedding, s.decoder_hidden, s.decoder_layers, s.latent_size)
        if s.second_face:
            self.no_code = nn.Parameter(torch.randn(s.latent_size))

    def grown(self, vocabulary: int) -> VAE:
        """A copy that knows more token ids; the rows of the new ones are the mean of the old (BOS and EOS left out).

        The logit of a new token is then the mean of the old tokens' logits, so that it is hardly ever written before it is learned.
        """
        with torch.random.fork_rng(devices=[]):
            larger = VAE(replace(self.sizes, vocabulary=vocabulary), self.bos, self.eos)
        state = self.state_dict()
        for name in _BY_ID:
            mean = state[name][max(self.bos, self.eos) + 1 :].mean(dim=0, keepdim=True)
            state[name] = torch.cat([state[name], mean.repeat_interleave(vocabulary - self.sizes.vocabulary, dim=0)])
        larger.load_state_dict(state)
        return larger

    def widened(self, latent_size: int, second_face: bool | None = None) -> VAE:
        """A copy whose codes have more dimensions, which carry nothing yet: their posterior is N(0, 1) and the decoder is blind to them.

        With `second_face` True or False it has one, untrained if new, or none; None leaves that as it is.
        """
        second_face = self.sizes.second_face if second_face is None else second_face
        with torch.random.fork_rng(devices=[]):
            wider = VAE(replace(self.sizes, latent_size=latent_size, second_face=second_face), self.bos, self.eos)
        state, extra = self.state_dict(), latent_size - self.sizes.latent_size
        for name in ("encoder.to_code.weight", "encoder.to_code.bias"):
            parts = state[name].split(self.sizes.latent_size)  # means and log-variances
            state[name] = torch.cat([rows for part in parts for rows in (part, part.new_zeros(extra, *part.shape[1:]))])
        found = state.pop("no_code", None)
        if second_face:
            state["no_code"] = wider.no_code.detach() if found is None else torch.cat([found, found.new_zeros(extra)])
        for name in ("decoder.from_code.weight", "decoder.initial.weight"):
            state[name] = torch.cat([state[name], state[name].new_zeros(len(state[name]), extra)], dim=1)
        wider.load_state_dict(state)
        return wider

    def forward(self, ids: Tensor, generator: torch.Generator | None = None, corruption: float = 0.0, without_code: float = 0.0) -> Elbo:
        """Terms of the loss for molecules of one length; both faces are written in one pass of the decoder.

        Args:
            ids: (B, T).
            generator: of the noise.
            corruption: share of the tokens the encoder reads that are replaced by random ones (Vincent et al. 2008,
                doi:10.1145/1390156.1390294); the molecule to write is the true one.
            without_code: share of the molecules, the first ones, that are also written without a code.
        """
        posterior = self.encoder(self._corrupted(ids, corruption, generator) if corruption else ids)
        code = posterior.sample(generator)
        again = round(without_code * len(ids)) if self.sizes.second_face else 0
        if not again:
            return elbo(self.logits(ids, code), self._with(ids, self.eos), posterior, code)
        logits = self.logits(torch.cat([ids, ids[:again]]), torch.cat([code, self.blank(again)]))
        return elbo(logits, self._with(ids, self.eos), posterior, code)

    def blank(self, rows: int) -> Tensor:
        """What stands in place of the code where there is none: (rows, D)."""
        return self.no_code.expand(rows, -1)

    def nats_without_code(self, ids: Tensor) -> Tensor:
        """-log p(x) of molecules of one length in nats: ids (B, T) -> (B,)."""
        return nats(self.logits(ids, self.blank(len(ids))), self._with(ids, self.eos))

    def logits(self, ids: Tensor, z: Tensor) -> Tensor:
        """Next-token logits with the true tokens read: ids (B, T), z (B, D) -> (B, T + 1, V)."""
        start = torch.full_like(ids[:, :1], self.bos)
        return self.decoder.step(torch.cat([start, ids], dim=1), z, self.decoder.start(z))[0]

    def _corrupted(self, ids: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
        hit = torch.rand(ids.shape, generator=generator, device=ids.device) < share
        first = max(self.bos, self.eos) + 1
        other = torch.randint(first, self.sizes.vocabulary, ids.shape, generator=generator, device=ids.device)
        return torch.where(hit, other, ids)

    @staticmethod
    def _with(ids: Tensor, last: int) -> Tensor:
        return torch.cat([ids, torch.full_like(ids[:, :1], last)], dim=1)

    @torch.inference_mode()
    def write(self, z: Tensor, truncation: Truncation, uniforms: Tensor | None, max_tokens: int, prefix: Tensor | None = None) -> Tensor:
        """Write a sequence for each code: z (B, D) -> ids (B, <= max_tokens), EOS from the end of each on.

        Args:
            z: codes.
            truncation: temperature and top-p; greedy where its temperature is 0.
            uniforms: one number in [0, 1) for each row and step, (B, max_tokens); the only randomness, so a row's molecule does
                not depend on the batch it is in. Not needed when greedy.
            max_tokens: the longest sequence; one without an end by then is cut there.
            prefix: ids each sequence starts with, (B, P), -1 after the last of a row; at least one more follows it.
        """
        written = torch.full((len(z), max_tokens), self.eos, dtype=torch.long, device=z.device)
        rows = torch.arange(len(z), device=z.device)  # those still worked on
        token = torch.full_like(rows, self.bos)
        open_ = torch.ones_like(rows, dtype=torch.bool)
        state = self.decoder.start(z)
        for place in range(max_tokens):
            logits, state = self.decoder.step(token[:, None], z, state)
            steered = logits[:, 0].float() if prefix is None else self._steered(logits[:, 0].float(), prefix[rows], place)
            token = truncation.choose(steered, None if uniforms is None else uniforms[rows, place])
            token = token.masked_fill(~open_, self.eos)
            written[rows, place] = token
            open_ = open_ & (token != self.eos)
            left = int(open_.sum())
            if not left:
                return written[:, : place + 1]
            if left <= len(rows) // 2:  # most have ended: go on with the others alone
                rows, z, token, state, open_ = rows[open_], z[open_], token[open_], state[:, open_], open_[open_]
        return written

    def _steered(self, logits: Tensor, prefix: Tensor, place: int) -> Tensor:
        """Logits (B, V) that leave no choice where a prefix (B, P) goes on, and no end where it has just ended."""
        barred = torch.zeros_like(logits, dtype=torch.bool)
        barred[:, self.eos] = (prefix >= 0).sum(dim=1) == place
        if place < prefix.shape[1]:
            forced = prefix[:, place]
            barred |= (forced >= 0)[:, None] & (forced[:, None] != torch.arange(logits.shape[1], device=logits.device))
        return logits.masked_fill(barred, -torch.inf)
