"""Recurrent layers, embeddings and attention."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.failure import Failure
from convdocs.errors.strategies import axes, joins, sequences, settings
from convdocs.errors.strategies.dtypes import indices_long

_RECURRENT = of_kind("^(RNN|LSTM|GRU)(Cell)?$")
_ATTENTION = of_kind("attention|^Transformer")


def _batch_is_first(failure: Failure) -> bool:
    """Three-axis inputs of one batch, for a layer that reads the length first."""
    layer = failure.layer
    second = layer is not None and any(
        getattr(one, "batch_first", None) is False for one in layer.modules()
    )
    shapes = [shape for shape in failure.shapes if len(shape) == 3]
    return second and len(shapes) > 1 and len({shape[0] for shape in shapes}) == 1


FAMILY = Family(
    "sequences",
    "Recurrent layers, embeddings and attention",
    "A sequence, its states or its masks are laid out otherwise",
    "Layers of sequences read (length, batch, features) unless batch_first=True; states are "
    "(layers x directions, batch, features) always. An embedding's indices are whole numbers from "
    "0.",
    (
        Entry(
            "rnn-width",
            "A recurrent layer gets another number of features",
            (
                r"input\.size\(-1\) must be equal to input_size\. Expected \d+, got \d+",
                r"input has inconsistent input_size: got \d+ expected \d+",
            ),
            "layer = nn.LSTM(24, 32, batch_first=True)\nx = torch.zeros(4, 7, 16)\ny = layer(x)[0]",
            (
                "Each step of the input {shape} has {last} features; {name} was built for "
                "{input_size}.",
            ),
            (axes.features_last, sequences.width("input_size", "last")),
            _RECURRENT,
        ),
        Entry(
            "rnn-rank",
            "A recurrent layer's input or states have too few or too many axes",
            (
                r"For (?:un)?batched \d-D input, hx (?:and cx )?should also be \d-D but got",
                r"Expected (?:input|hidden|hx\[\d\]) to be \dD or \dD, got \d+D",
            ),
            "layer = nn.LSTM(8, 12)\nx = torch.zeros(5, 8)\nh = torch.zeros(1, 1, 12)\n"
            "c = torch.zeros(1, 1, 12)\ny = layer(x, (h, c))[0]",
            (
                "The shapes are {shapes}; a batch has an input of 3 axes with states of 3, and one "
                "sequence an input of 2 with states of 2.",
            ),
            (sequences.batch_of_one, sequences.state_axis, sequences.joined_batch),
            _RECURRENT,
        ),
        Entry(
            "rnn-state",
            "A first state of another shape",
            (
                r"Expected hidden(?:\[\d\])? size \((?P<need>[^)]*)\), got",
                r"Input batch size \d+ doesn't match hidden\d? batch size \d+",
                r"hidden\d? has inconsistent hidden_size: got \d+, expected \d+",
            ),
            "layer = nn.GRU(10, 20, 2, batch_first=True)\nx = torch.zeros(3, 5, 10)\n"
            "h = torch.zeros(2, 5, 20)\ny = layer(x, h)[0]",
            (
                (
                    "The shapes are {shapes}; the first state must be ({need}): {state_size}, also "
                    "with batch_first=True.",
                    "The shapes are {shapes}; the state must have the batch of the input and "
                    "{hidden_size} features.",
                ),
            ),
            (sequences.state_for_all, sequences.zero_state),
            _RECURRENT,
        ),
        Entry(
            "embedding-range",
            "An index that an embedding's table does not have",
            (
                r"index out of range in self",
                r"Index \d+ of input takes value -?\d+ which is not in the valid range",
            ),
            "layer = nn.Embedding(10, 4)\nx = torch.tensor([[1, 2, 10]])\nlayer(x)",
            (
                (
                    "The indices go from {least} to {largest}; a table of {rows} rows has {valid}.",
                    "An index is outside the table; {rows} rows have {valid}.",
                ),
            ),
            (sequences.larger_table,),
            lambda failure: "mbedding" in failure.kind,
        ),
        Entry(
            "embedding-dtype",
            "Indices that are no whole numbers",
            (
                r"Expected tensor for argument #1 'indices' to have one of the following scalar "
                r"types: Long, Int; but got (?P<got>[\w.]+)",
                r"tensors used as indices must be long, int, byte or bool tensors",
                r"\w+\(\): Expected dtype int32/int64 for index",
                r"only applicable to index tensor of type LongTensor",
            ),
            "layer = nn.Embedding(10, 4)\nx = torch.ones(1, 10)\nlayer(x)",
            ("Indices count rows, from 0: they are whole numbers, and these are {dtypes}.",),
            (indices_long(0), indices_long(1)),
        ),
        Entry(
            "attention-heads",
            "Heads that do not divide the features",
            (r"embed_dim must be divisible by num_heads",),
            "layer = nn.MultiheadAttention(10, 4)",
            (
                "Each head takes embed_dim / num_heads features; {embed_dim} are not divisible by "
                "{num_heads}.",
            ),
            (settings.divisors_for_heads,),
            lambda failure: failure.built is not None,
        ),
        Entry(
            "attention-batch",
            "Attention reads the length where the batch is",
            (
                r"shape '\[.*\]' is invalid for input of size \d+",
                r"the batch number of src and tgt must be equal",
            ),
            "layer = nn.MultiheadAttention(16, 4)\nq = torch.zeros(4, 7, 16)\n"
            "k = torch.zeros(4, 5, 16)\nv = torch.zeros(4, 5, 16)\ny = layer(q, k, v)[0]",
            (
                "The inputs are {shapes}: the first axis counts the batch, and without "
                "batch_first=True the second is read so.",
            ),
            (sequences.batch_first,),
            lambda failure: _ATTENTION(failure) and _batch_is_first(failure),
        ),
        Entry(
            "attention-width",
            "Attention gets another number of features",
            (
                r"was expecting embedding dimension of \d+, but got \d+",
                r"the feature number of src and tgt must be equal to d_model",
            ),
            "layer = nn.MultiheadAttention(32, 4)\nq = torch.zeros(5, 2, 16)\n"
            "y = layer(q, q, q)[0]",
            ("The tokens have {last} features; {name} was built for another number.",),
            (
                sequences.width("embed_dim", "last"),
                sequences.width("d_model", "last"),
            ),
            _ATTENTION,
        ),
        Entry(
            "attention-mask",
            "A mask of another shape than the scores",
            (
                r"The shape of the \dD attn_mask is torch\.Size\(\[(?P<got>[^\]]*)\]\), but should "
                r"be \((?P<need>[^)]*)\)",
                r"Expected key_padded_mask\.shape\[\d\] to be \d+, but got \d+",
            ),
            "layer = nn.MultiheadAttention(16, 4, batch_first=True)\nq = torch.zeros(2, 5, 16)\n"
            "attn_mask = torch.zeros(2, 5, 5)\ny = layer(q, q, q, attn_mask=attn_mask)[0]",
            (
                (
                    "The mask is ({got}), and the scores it is added to are ({need}): queries by "
                    "keys, once for each head of each sample where a mask has 3 axes.",
                    "The mask of padding is (batch, keys); the shapes are {shapes}.",
                ),
            ),
            (sequences.mask_for_heads, sequences.mask_transposed),
            _ATTENTION,
        ),
        Entry(
            "attention-scores",
            "A mask that lacks an axis of the scores",
            (r"must match the size of tensor",),
            "q = torch.zeros(2, 4, 5, 8)\nattn_mask = torch.zeros(2, 5, 5)\n"
            "nn.functional.scaled_dot_product_attention(q, q, q, attn_mask=attn_mask)",
            (
                "The scores are (batch, heads, queries, keys); the shapes are {shapes}, and the "
                "mask is repeated along axes of size 1 only.",
            ),
            (joins.missing_axes,),
            of_kind("scaled_dot_product"),
        ),
    ),
)
